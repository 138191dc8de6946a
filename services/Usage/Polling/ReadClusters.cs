using System.Globalization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>GET /api/v1/clusters: how each cluster and its sources are. POST /api/v1/clusters/{name}/backfills: read a part of the past.</summary>
internal static class ReadClusters
{
    private const int NameLengthMax = 255;
    private const int YearsMax = 30;

    private const string ClustersSql = """
        SELECT name, read_until, poll_due_at, failures, last_success_at, last_error_at, last_error, active_source, active_since, active_reason,
            (SELECT count(*) FROM quarantine q WHERE q.org_id = @Org AND q.cluster = clusters.name AND q.state = 'open') AS quarantined
        FROM clusters WHERE org_id = @Org ORDER BY name
        """;

    private const string SourcesSql = """
        SELECT cluster, source, kind, preference, version, failures, last_success_at, last_error_at, last_error
        FROM source_states WHERE org_id = @Org ORDER BY cluster, preference, source
        """;

    // Enough to see what is going on; how each of them is, its job says.
    private const string ReadsSql = """
        SELECT clusters.name AS cluster, unfinished.id FROM clusters CROSS JOIN LATERAL (
            SELECT id FROM reads WHERE reads.org_id = @Org AND reads.cluster = clusters.name AND position_at < to_at ORDER BY id DESC LIMIT 3) AS unfinished
        WHERE clusters.org_id = @Org
        """;

    private const string InsertSql = """
        INSERT INTO reads (id, org_id, cluster, kind, status, requested_by, idempotency_key, from_at, to_at, position_at, window_seconds, created_at)
        VALUES (@Id, @Org, @Cluster, 'backfill', 'queued', @RequestedBy, @Key, @From, @To, @From, @WindowSeconds, @Now)
        ON CONFLICT (org_id, idempotency_key) DO NOTHING
        """;

    private const string FindSql = "SELECT * FROM reads WHERE org_id = @Org AND (id = @Id OR idempotency_key = @Key)";

    public static void Map(RouteGroupBuilder clusters)
    {
        clusters.MapGet("/", ListAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
        ReadRefused.Map(clusters);
        clusters.MapPost("/{name}/backfills", BackfillAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));
    }

    private static async Task<IResult> ListAsync(Caller caller, Database database, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<ClusterView> clusters = await transaction.QueryAsync<ClusterView>(ClustersSql, new { Org = caller.OrgId }, cancellation);
        ILookup<string, SourceView> sources = (await transaction.QueryAsync<SourceView>(SourcesSql, new { Org = caller.OrgId }, cancellation))
            .ToLookup(source => source.Cluster, StringComparer.Ordinal);
        ILookup<string, Guid> reads = (await transaction.QueryAsync<(string Cluster, Guid Id)>(ReadsSql, new { Org = caller.OrgId }, cancellation))
            .ToLookup(read => read.Cluster, read => read.Id, StringComparer.Ordinal);
        var items = clusters.Select(cluster => cluster with { Sources = [.. sources[cluster.Name]], UnfinishedReads = [.. reads[cluster.Name]] });
        return TypedResults.Ok(new { Items = items, NextCursor = (string?)null });
    }

    private static async Task<IResult> BackfillAsync(
        string name, Request request, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, Caller caller, Database database, Clusters clusters,
        IOptions<PollingOptions> options, TimeProvider clock, CancellationToken cancellation)
    {
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        if (!SlurmName.TryCluster(name, out string cluster) || clusters.Find(caller.OrgId, cluster) is null) return Problems.NotFound("cluster");
        if (idempotencyKey?.Length > NameLengthMax) return Problems.Invalid("Idempotency-Key", $"must have at most {NameLengthMax} characters");
        if (!TryInstant(request.From, out DateTimeOffset from)) return Problems.Invalid("from", "must be a date (2024-01-01, in UTC) or an instant with its offset");
        DateTimeOffset to = now;
        if (request.To is not null && !TryInstant(request.To, out to)) return Problems.Invalid("to", "must be a date (2024-01-01, in UTC) or an instant with its offset");
        if (from >= to || to > now.AddDays(1)) return Problems.Invalid("to", "must lie behind 'from' and not in the future");
        if (from < now.AddYears(-YearsMax)) return Problems.Invalid("from", $"must lie within {YearsMax} years");

        var row = new
        {
            Id = Guid.CreateVersion7(now), Org = caller.OrgId, Cluster = cluster, RequestedBy = caller.Username, Key = idempotencyKey,
            From = Microseconds.Truncate(from), To = Microseconds.Truncate(to), options.Value.WindowSeconds, Now = now,
        };
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        bool isNew = await transaction.ExecuteAsync(InsertSql, row, cancellation) == 1;
        ClusterRead read = (await transaction.QuerySingleOrDefaultAsync<ClusterRead>(FindSql, row, cancellation))!;
        bool isSame = read.Cluster == cluster && read.FromAt == row.From && (request.To is null || read.ToAt == row.To);
        if (!isNew && !isSame) return Problems.Conflict("The Idempotency-Key was used for another back-fill.");
        if (isNew)
        {
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["cluster"] = cluster, ["from"] = from.ToString("O"), ["to"] = to.ToString("O") };
            await transaction.AuditAsync(caller.Act("backfill.requested", $"backfill:{read.Id}", details), cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return TypedResults.Accepted($"/api/v1/jobs/{read.Id}", ClusterReadView.Of(read));
    }

    private static bool TryInstant(string? text, out DateTimeOffset instant)
    {
        instant = default;
        bool isDate = DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date);
        if (isDate) instant = new DateTimeOffset(date, TimeOnly.MinValue, TimeSpan.Zero);
        string[] forms = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFK"];
        return isDate || (text is not null && (text.EndsWith('Z') || text.Length > 19) && DateTimeOffset.TryParseExact(
            text, forms, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out instant));
    }

    internal sealed record Request(string? From, string? To);

    private sealed record ClusterView
    {
        public string Name { get; init; } = "";
        public DateTimeOffset ReadUntil { get; init; }
        public DateTimeOffset PollDueAt { get; init; }
        public int Failures { get; init; }
        public DateTimeOffset? LastSuccessAt { get; init; }
        public DateTimeOffset? LastErrorAt { get; init; }
        public string? LastError { get; init; }
        public string? ActiveSource { get; init; }
        public DateTimeOffset? ActiveSince { get; init; }
        public string? ActiveReason { get; init; }
        public long Quarantined { get; init; }
        public IReadOnlyList<SourceView> Sources { get; init; } = [];
        public IReadOnlyList<Guid> UnfinishedReads { get; init; } = [];
    }

    private sealed record SourceView
    {
        public string Cluster { get; init; } = "";
        public string Source { get; init; } = "";
        public string Kind { get; init; } = "";
        public int Preference { get; init; }
        public string? Version { get; init; }
        public int Failures { get; init; }
        public DateTimeOffset? LastSuccessAt { get; init; }
        public DateTimeOffset? LastErrorAt { get; init; }
        public string? LastError { get; init; }
    }
}
