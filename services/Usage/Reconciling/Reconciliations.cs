using System.Globalization;
using System.Text.Json;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.RecordingUsage;
using Microsoft.AspNetCore.Mvc;

namespace HpcBilling.Usage.Reconciling;

/// <summary>POST and GET /api/v1/clusters/{name}/reconciliations, GET …/{id}: a month of a cluster, weighed against slurmdbd.</summary>
internal static class Reconciliations
{
    private const int NameLengthMax = 255;
    private const int PageRows = 100;
    private const int YearsMax = 30;

    private const string InsertSql = """
        INSERT INTO reconciliations (id, org_id, cluster, month) VALUES (@Id, @Org, @Cluster, @Month)
        """;

    private const string ReadSql = "SELECT * FROM cluster_reconciliations WHERE org_id = @Org AND cluster = @Cluster AND id = @Id";

    private const string ListSql = """
        SELECT * FROM cluster_reconciliations WHERE org_id = @Org AND cluster = @Cluster AND (@Before::uuid IS NULL OR id < @Before) ORDER BY id DESC LIMIT @Rows
        """;

    private const string TotalsSql = """
        SELECT tres, slurmdbd, stored, billed, unbilled, exempt, quarantined, difference FROM reconciliation_totals
        WHERE org_id = @Org AND reconciliation_id = @Id ORDER BY tres
        """;

    private const string DifferencesSql = """
        SELECT number, kind, is_difference, subject, job_id, code, changes FROM reconciliation_differences
        WHERE org_id = @Org AND reconciliation_id = @Id AND number > @After ORDER BY number LIMIT @Rows
        """;

    private static readonly OrgOwned Owned = JobEndpoints.Owned with { Noun = "reconciliation" };

    public static void MapReconciliations(this WebApplication app)
    {
        RouteGroupBuilder clusters = app.MapGroup("/api/v1/clusters");
        clusters.MapPost("/{name}/reconciliations", RequestAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));
        clusters.MapGet("/{name}/reconciliations", ListAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
        clusters.MapGet("/{name}/reconciliations/{id:guid}", ReadAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
    }

    private static async Task<IResult> RequestAsync(
        string name, Request request, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, Caller caller, Database database, Clusters clusters,
        JobLedger ledger, JobSignals signals, TimeProvider clock, CancellationToken cancellation)
    {
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        if (!SlurmName.TryCluster(name, out string cluster) || clusters.Find(caller.OrgId, cluster) is null) return Problems.NotFound("cluster");
        if (idempotencyKey?.Length > NameLengthMax) return Problems.Invalid("Idempotency-Key", $"must have at most {NameLengthMax} characters");
        if (!DateOnly.TryParseExact(request.Month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly month)) return Problems.Invalid("month", "must be a month: 2026-10");
        // Wherever the site is, its day is a day before or after ours at most.
        DateOnly tomorrow = DateOnly.FromDateTime(now.UtcDateTime).AddDays(1);
        if (month > tomorrow || month < tomorrow.AddYears(-YearsMax)) return Problems.Invalid("month", $"must have begun, and lie within {YearsMax} years");

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var wanted = new NewJob(Job.Reconcile, "waiting", cluster, caller.Username) { IdempotencyKey = idempotencyKey };
        (Job created, bool isNew) = await ledger.CreateAsync(transaction, wanted, cancellation);
        var row = new { created.Id, Org = caller.OrgId, Cluster = cluster, Month = request.Month! };
        if (isNew)
        {
            await transaction.ExecuteAsync(InsertSql, row, cancellation);
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["cluster"] = cluster, ["month"] = request.Month! };
            await transaction.AuditAsync(caller.Act("reconcile.requested", $"reconcile:{created.Id}", details), cancellation);
        }

        if (await transaction.QuerySingleOrDefaultAsync<Reconciliation>(ReadSql, row, cancellation) is not { } reconciliation || reconciliation.Month != request.Month)
            return Problems.Conflict("The Idempotency-Key was used for another request.");
        await transaction.CommitAsync(cancellation);
        signals.Of(Job.Reconcile).Set();
        return TypedResults.Accepted($"/api/v1/clusters/{cluster}/reconciliations/{reconciliation.Id}", ReconciliationView.Of(reconciliation));
    }

    private static async Task<IResult> ListAsync(string name, string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        if (!SlurmName.TryCluster(name, out string cluster)) return Problems.NotFound("cluster");
        Guid before = default;
        if (!PageCursor.TryDecode(cursor, 1, out string[] key) || (key.Length == 1 && !Guid.TryParse(key[0], out before)))
            return Problems.Invalid("cursor", "is not one of this list");

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var args = new { Org = caller.OrgId, Cluster = cluster, Before = key.Length == 1 ? before : (Guid?)null, Rows = PageRows + 1 };
        IReadOnlyList<Reconciliation> rows = await transaction.QueryAsync<Reconciliation>(ListSql, args, cancellation);
        return TypedResults.Ok(Page.Of(rows, PageRows, ReconciliationView.Of, last => PageCursor.Encode(last.Id.ToString())));
    }

    private static async Task<IResult> ReadAsync(string name, Guid id, string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        int after = 0;
        if (!PageCursor.TryDecode(cursor, 1, out string[] key) || (key.Length == 1 && !int.TryParse(key[0], NumberStyles.None, CultureInfo.InvariantCulture, out after)))
            return Problems.Invalid("cursor", "is not one of this list");
        if (await FindAsync(name, id, after, caller, database, cancellation) is { } found) return TypedResults.Ok(found);
        return await database.RefuseOtherOrgAsync(Owned, id, caller, cancellation) ?? Problems.NotFound("reconciliation");
    }

    private static async Task<Detail?> FindAsync(string name, Guid id, int after, Caller caller, Database database, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var args = new { Org = caller.OrgId, Id = id, Cluster = name, After = after, Rows = PageRows + 1 };
        if (await transaction.QuerySingleOrDefaultAsync<Reconciliation>(ReadSql, args, cancellation) is not { } row) return null;
        IReadOnlyList<TresTotal> totals = await transaction.QueryAsync<TresTotal>(TotalsSql, args, cancellation);
        IReadOnlyList<DifferenceRow> named = await transaction.QueryAsync<DifferenceRow>(DifferencesSql, args, cancellation);
        return new Detail(
            ReconciliationView.Of(row), totals,
            Page.Of(named, PageRows, DifferenceView.Of, last => PageCursor.Encode(last.Number.ToString(CultureInfo.InvariantCulture))));
    }

    internal sealed record Request(string? Month);

    private sealed record Detail(ReconciliationView Reconciliation, IReadOnlyList<TresTotal> Totals, Page<DifferenceView> Named);

    private sealed record DifferenceRow
    {
        public int Number { get; init; }
        public string Kind { get; init; } = "";
        public bool IsDifference { get; init; }
        public string Subject { get; init; } = "";
        public string? JobId { get; init; }
        public string? Code { get; init; }
        public string Changes { get; init; } = "";
    }

    private sealed record DifferenceView(string Kind, bool IsDifference, string Subject, string? JobId, string? Code, JsonElement Changes)
    {
        public static DifferenceView Of(DifferenceRow row) =>
            new(row.Kind, row.IsDifference, row.Subject, row.JobId, row.Code, JsonSerializer.Deserialize<JsonElement>(row.Changes));
    }
}
