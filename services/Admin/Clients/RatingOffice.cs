using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>What rating offers to admins alone: tariffs, tiers, receipt runs, paying back.</summary>
public sealed class RatingOffice(ServiceApi api)
{
    private const string Service = "rating";

    public Task<Answer<Formula>> PublishAsync(NewFormula formula, CancellationToken ct) =>
        api.SendAsync<Formula>(Service, HttpMethod.Post, "/formula", formula, ct);

    public Task<Answer<UserTier>> TierAsync(string username, CancellationToken ct) =>
        api.GetAsync<UserTier>(Service, TierPath(username), new Query(), ct);

    public Task<Answer<UserTier>> AssignTierAsync(string username, string? tier, CancellationToken ct) =>
        api.SendAsync<UserTier>(Service, HttpMethod.Put, TierPath(username), new { tier }, ct);

    public Task<Answer<ReceiptRun>> StartReceiptRunAsync(string? until, CancellationToken ct) =>
        api.SendAsync<ReceiptRun>(Service, HttpMethod.Post, "/api/v1/receipt-runs", new { until }, ct);

    public Task<Answer<ReceiptRun>> ReceiptRunAsync(Guid id, CancellationToken ct) =>
        api.GetAsync<ReceiptRun>(Service, $"/api/v1/receipt-runs/{id}", new Query(), ct);

    /// <summary>Records that a credit note was paid back; the note is kept in the audit log.</summary>
    public Task<Answer<ReceiptSummary>> RefundAsync(Guid id, string? note, CancellationToken ct) =>
        api.SendAsync<ReceiptSummary>(Service, HttpMethod.Post, $"/api/v1/receipts/{id}/refund", new { note }, ct);

    private static string TierPath(string username) => "/api/v1/tiers/" + Uri.EscapeDataString(username);
}

/// <summary>Rates to publish, major units per unit-hour; without an instant they are in force at once.</summary>
public sealed record NewFormula(string Type, decimal? CpuCoreHour, decimal? GpuHour, decimal? MemoryGibHour, DateTimeOffset? EffectiveFrom);

/// <summary>A user's price tier; default where nobody assigned one.</summary>
public sealed record UserTier(string Username, string Tier, bool IsDefault);

/// <summary>The job of issuing everybody's receipts: <c>queued</c>, <c>running</c>, <c>succeeded</c> or <c>failed</c>.</summary>
public sealed record ReceiptRun(
    Guid Id,
    string Status,
    DateTimeOffset Until,
    int Users,
    int UsersDone,
    int Receipts,
    long Runs,
    long TotalMinor,
    string? Currency,
    string? Error,
    int CreditNotes = 0,
    long Adjustments = 0)
{
    public bool IsOver => Status is "succeeded" or "failed";
}
