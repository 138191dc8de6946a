namespace HpcBilling.Ui.Backend;

/// <summary>What the rating service offers to pages: usage, rates, estimates, receipts.</summary>
public sealed class RatingClient(ServiceApi api)
{
    private const string Service = "rating";

    public Task<Answer<CursorPage<UsageRun>>> RunsAsync(UsageFilter filter, CancellationToken ct) =>
        api.GetAsync<CursorPage<UsageRun>>(Service, "/api/v1/usage", filter.ToQuery("detail"), ct);

    public Task<Answer<CursorPage<UsageGroup>>> GroupsAsync(UsageFilter filter, CancellationToken ct) =>
        api.GetAsync<CursorPage<UsageGroup>>(Service, "/api/v1/usage", filter.ToQuery("aggregate"), ct);

    public Task<Answer<CursorPage<UsageRun>>> BilledAsync(UsageFilter filter, CancellationToken ct) =>
        api.GetAsync<CursorPage<UsageRun>>(Service, "/api/v1/usage", filter.ToQuery("billed"), ct);

    public Task<Answer<UsageTotals>> TotalsAsync(string? user, string? from, string? to, CancellationToken ct) =>
        api.GetAsync<UsageTotals>(Service, "/api/v1/usage/totals", new Query { ["user"] = user, ["from"] = from, ["to"] = to }, ct);

    /// <summary>Rates of a tier that are in force now; open to anybody.</summary>
    public Task<Answer<Formula>> FormulaAsync(string tier, CancellationToken ct) =>
        api.GetAsync<Formula>(Service, "/formula", new Query { ["type"] = tier }, ct);

    public Task<Answer<TariffList>> TariffsAsync(CancellationToken ct) =>
        api.GetAsync<TariffList>(Service, "/api/v1/tariffs", new Query(), ct);

    /// <summary>What one job of that shape would cost; open to anybody. The service bounds the figures and names the field that is out of them.</summary>
    public Task<Answer<Estimate>> EstimateAsync(Query shape, CancellationToken ct) =>
        api.GetAsync<Estimate>(Service, "/api/v1/estimate", shape, ct);

    public Task<Answer<CursorPage<ReceiptSummary>>> ReceiptsAsync(string? user, string? status, string? cursor, CancellationToken ct) =>
        api.GetAsync<CursorPage<ReceiptSummary>>(
            Service, "/api/v1/receipts", new Query { ["user"] = user, ["status"] = status, ["cursor"] = cursor }, ct);

    public Task<Answer<Receipt>> ReceiptAsync(Guid id, string? cursor, int? limit, CancellationToken ct) =>
        api.GetAsync<Receipt>(Service, $"/api/v1/receipts/{id}", new Query { ["cursor"] = cursor, ["limit"] = limit }, ct);

    /// <summary>The visitor's own receipt over all unbilled runs that ended before <paramref name="until"/>.</summary>
    public Task<Answer<IssuedReceipt>> IssueReceiptAsync(string? until, CancellationToken ct) =>
        api.SendAsync<IssuedReceipt>(Service, HttpMethod.Post, "/api/v1/receipts", new { until }, ct);
}

/// <summary>Which usage to show.</summary>
/// <param name="User">Whose; <c>*</c> for everybody's. Rating gives an admin anybody's and a user his own alone.</param>
/// <param name="From">First day or instant, inclusive; null for the beginning.</param>
/// <param name="To">Day or instant, exclusive; null for the end.</param>
/// <param name="Cursor">Of the page before.</param>
/// <param name="Limit">Rows of a page; null for rating's own choice.</param>
public sealed record UsageFilter(string User, string? From, string? To, string? Cursor, int? Limit = null)
{
    /// <summary>The most that rating gives at once.</summary>
    public const int LimitMax = 500;

    internal Query ToQuery(string view) =>
        new() { ["user"] = User, ["from"] = From, ["to"] = To, ["view"] = view, ["cursor"] = Cursor, ["limit"] = Limit };
}
