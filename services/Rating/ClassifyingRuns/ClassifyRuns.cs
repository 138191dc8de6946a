using System.Globalization;
using HpcBilling.Rating.Accounting;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.ClassifyingRuns;

/// <summary>
/// POST and GET /internal/v1/run-classes: what became of runs, by their keys or of a cluster's span, with what each is charged for. A run is
/// billed, unbilled, exempt or unfinished. What waits for a price is unbilled. Of a run that was cut at the end of a month, each part says it for itself.
/// </summary>
internal static class ClassifyRuns
{
    private const int RunsMax = 2000;

    private const string Columns = """
        runs.job_key, runs.part_of,
        CASE WHEN runs.receipt_id IS NOT NULL THEN 'billed' WHEN runs.rating IN ('priced', 'unpriced') THEN 'unbilled' ELSE runs.rating END AS class,
        runs.reason, runs.charged_seconds, runs.cpus, runs.memory_mib, runs.gpus, runs.nodes, runs.listed_at, newer.charged_seconds AS newer_charged_seconds,
        newer.cpus AS newer_cpus, newer.memory_mib AS newer_memory_mib, newer.gpus AS newer_gpus
        """;

    private const string Tables = "runs LEFT JOIN superseded_runs newer ON newer.org_id = runs.org_id AND newer.job_key = runs.job_key AND newer.adjusted_at IS NULL";

    private const string OfKeysSql = $"SELECT {Columns} FROM {Tables} WHERE runs.org_id = @Org AND runs.job_key = ANY(@JobKeys) ORDER BY runs.job_key";

    private const string PartsSql = $"SELECT {Columns} FROM {Tables} WHERE runs.org_id = @Org AND runs.part_of = ANY(@JobKeys) ORDER BY runs.job_key";

    private const string OfSpanSql = $"""
        SELECT {Columns} FROM {Tables}
        WHERE runs.org_id = @Org AND runs.cluster = @Cluster AND runs.listed_at >= @From AND runs.listed_at < @To AND runs.ended_at IS NOT NULL AND runs.part_of IS NULL
            AND (@AfterKey::text IS NULL OR (runs.listed_at, runs.job_key) > (@AfterAt, @AfterKey COLLATE "C"))
        ORDER BY runs.listed_at, runs.job_key LIMIT @Rows
        """;

    public static void Map(RouteGroupBuilder asked)
    {
        asked.MapPost("/run-classes", OfKeysAsync);
        asked.MapGet("/run-classes", OfSpanAsync);
    }

    private static async Task<IResult> OfKeysAsync(Request request, Caller caller, Database database, CancellationToken cancellation)
    {
        if (request.JobKeys is not { Count: <= RunsMax } keys) return Problems.Invalid("jobKeys", $"must be a list of at most {RunsMax}");

        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var rows = await transaction.QueryAsync<Row>(OfKeysSql, new { Org = caller.OrgId, JobKeys = keys.ToArray() }, cancellation);
        return TypedResults.Ok(new Page<RunClass>(await WithPartsAsync(rows, transaction, cancellation), null));
    }

    private static async Task<IResult> OfSpanAsync(
        string? cluster, DateTimeOffset? from, DateTimeOffset? to, string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        if (string.IsNullOrEmpty(cluster)) return Problems.Invalid("cluster", "must be a cluster's name");
        if (from is null || to is null) return Problems.Invalid("from", "and 'to' must be instants");
        var afterAt = default(DateTimeOffset);
        if (!PageCursor.TryDecode(cursor, 2, out var after)
            || (after.Length > 0 && !DateTimeOffset.TryParseExact(after[0], "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out afterAt)))
        {
            return Problems.Invalid("cursor", "is not one that this list gave");
        }

        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var args = new
        {
            Org = caller.OrgId, Cluster = cluster, From = from.Value.ToUniversalTime(), To = to.Value.ToUniversalTime(), AfterAt = afterAt,
            AfterKey = after.ElementAtOrDefault(1), Rows = RunsMax + 1,
        };
        var rows = await transaction.QueryAsync<Row>(OfSpanSql, args, cancellation);
        var page = Page.Of(rows, RunsMax, row => [row.ListedAt.ToString("O", CultureInfo.InvariantCulture), row.JobKey]);
        return TypedResults.Ok(new Page<RunClass>(await WithPartsAsync(page.Items, transaction, cancellation), page.NextCursor));
    }

    private static async Task<IReadOnlyList<RunClass>> WithPartsAsync(IReadOnlyList<Row> rows, OrgTransaction transaction, CancellationToken cancellation)
    {
        var args = new { Org = transaction.OrgId, JobKeys = rows.Select(row => row.JobKey).ToArray() };
        var parts = (await transaction.QueryAsync<Row>(PartsSql, args, cancellation)).ToLookup(part => part.PartOf, StringComparer.Ordinal);
        return [.. rows.Select(row => row.ToView([.. parts[row.JobKey].Select(part => part.ToView([]))]))];
    }

    internal sealed record Request(IReadOnlyList<string>? JobKeys);

    private sealed record Row
    {
        public string JobKey { get; init; } = "";
        public string? PartOf { get; init; }
        public string Class { get; init; } = "";
        public string? Reason { get; init; }
        public long ChargedSeconds { get; init; }
        public long Cpus { get; init; }
        public long MemoryMib { get; init; }
        public long Gpus { get; init; }
        public long Nodes { get; init; }
        public DateTimeOffset ListedAt { get; init; }
        public long? NewerChargedSeconds { get; init; }
        public long? NewerCpus { get; init; }
        public long? NewerMemoryMib { get; init; }
        public long? NewerGpus { get; init; }

        public RunClass ToView(IReadOnlyList<RunClass> parts) => new(
            JobKey, Class, Reason, ChargedSeconds, Cpus, MemoryMib, Gpus, Nodes,
            NewerChargedSeconds is { } seconds ? new NewerFacts(seconds, NewerCpus!.Value, NewerMemoryMib!.Value, NewerGpus!.Value) : null, parts);
    }
}

/// <param name="JobKey">Of the run.</param>
/// <param name="Class"><c>billed</c>, <c>unbilled</c>, <c>exempt</c> or <c>unfinished</c>.</param>
/// <param name="Reason">Why it is exempt, or has no price yet.</param>
/// <param name="ChargedSeconds">What it is charged for, or will be.</param>
/// <param name="Cpus">Allocated.</param>
/// <param name="MemoryMib">Allocated.</param>
/// <param name="Gpus">Allocated.</param>
/// <param name="Nodes">Allocated.</param>
/// <param name="Newer">Facts that came after it was billed and wait for an adjustment.</param>
/// <param name="Parts">In months behind the first, where the run was cut; the other members are the first part's then.</param>
internal sealed record RunClass(
    string JobKey, string Class, string? Reason, long ChargedSeconds, long Cpus, long MemoryMib, long Gpus, long Nodes, NewerFacts? Newer,
    IReadOnlyList<RunClass> Parts);

internal sealed record NewerFacts(long ChargedSeconds, long Cpus, long MemoryMib, long Gpus);
