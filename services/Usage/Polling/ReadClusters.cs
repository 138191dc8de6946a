using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;
using Microsoft.AspNetCore.Mvc;

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

    private const string FindSql = "SELECT * FROM cluster_reads WHERE org_id = @OrgId AND id = @Id";

    public static void MapClusters(this WebApplication app)
    {
        RouteGroupBuilder clusters = app.MapGroup("/api/v1/clusters");
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
        JobLedger jobs, ClusterLedger ledger, TimeProvider clock, CancellationToken cancellation)
    {
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        if (!SlurmName.TryCluster(name, out string cluster) || clusters.Find(caller.OrgId, cluster) is null) return Problems.NotFound("cluster");
        if (idempotencyKey?.Length > NameLengthMax) return Problems.Invalid("Idempotency-Key", $"must have at most {NameLengthMax} characters");
        if (!InstantText.TryParse(request.From, out DateTimeOffset from)) return Problems.Invalid("from", InstantText.Expected);
        DateTimeOffset to = now;
        if (request.To is not null && !InstantText.TryParse(request.To, out to)) return Problems.Invalid("to", InstantText.Expected);
        if (from >= to || to > now.AddDays(1)) return Problems.Invalid("to", "must lie behind 'from' and not in the future");
        if (from < now.AddYears(-YearsMax)) return Problems.Invalid("from", $"must lie within {YearsMax} years");

        (from, to) = (Microseconds.Truncate(from), Microseconds.Truncate(to));
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var wanted = new NewJob(Job.Backfill, "waiting", cluster, caller.Username) { IdempotencyKey = idempotencyKey, Total = ReadSpan.Seconds(from, to) };
        (Job created, bool isNew) = await jobs.CreateAsync(transaction, wanted, cancellation);
        if (isNew)
        {
            await ledger.AddReadAsync(transaction, created.Id, cluster, from, to, cancellation);
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["cluster"] = cluster, ["from"] = from.ToString("O"), ["to"] = to.ToString("O") };
            await transaction.AuditAsync(caller.Act("backfill.requested", $"backfill:{created.Id}", details), cancellation);
        }

        ClusterRead? read = await transaction.QuerySingleOrDefaultAsync<ClusterRead>(FindSql, new { created.OrgId, created.Id }, cancellation);
        if (read is not { Type: Job.Backfill } || read.Cluster != cluster || read.FromAt != from || (request.To is not null && read.ToAt != to))
            return Problems.Conflict("The Idempotency-Key was used for another request.");
        await transaction.CommitAsync(cancellation);
        return TypedResults.Accepted($"/api/v1/jobs/{read.Id}", ClusterReadView.Of(read));
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
