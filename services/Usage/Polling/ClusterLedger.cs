using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>What is to be read of a cluster and how far it is. Everything is in the tables: whoever has the lease goes on where another stopped.</summary>
internal sealed class ClusterLedger(Database database, IOptions<PollingOptions> options, TimeProvider clock)
{
    private const int ErrorLengthMax = 500;

    // Of polls; back-fills stay.
    private const int DaysKept = 30;

    private const string RegisterSql = """
        INSERT INTO clusters (org_id, name, read_until, month_read_at, poll_due_at) VALUES (@Org, @Name, @From, @Now, @Now) ON CONFLICT DO NOTHING
        """;

    private const string ClusterSql = "SELECT * FROM clusters WHERE org_id = @Org AND name = @Name";

    // One of each at a time: what another replica has begun is gone on with.
    private const string BeginSql = """
        INSERT INTO reads (id, org_id, cluster, kind, status, requested_by, from_at, to_at, position_at, window_seconds, created_at)
        VALUES (@Id, @Org, @Cluster, @Kind, 'queued', 'system', @From, @To, @From, @WindowSeconds, @Now)
        ON CONFLICT DO NOTHING
        """;

    // Years of the past wait for what happens now.
    private const string NextSql = """
        UPDATE reads SET status = 'running', started_at = coalesce(started_at, @Now)
        WHERE id = (
            SELECT id FROM reads WHERE org_id = @Org AND cluster = @Cluster AND status IN ('queued', 'running')
            ORDER BY array_position(ARRAY['poll', 'month', 'backfill'], kind), created_at LIMIT 1)
        RETURNING *
        """;

    private const string EndSql = """
        UPDATE reads SET status = 'succeeded', finished_at = @Now, error = NULL WHERE org_id = @Org AND id = @Id AND position_at = to_at
        """;

    private const string PolledSql = """
        UPDATE clusters SET read_until = greatest(read_until, @To), poll_due_at = @Due WHERE org_id = @Org AND name = @Cluster
        """;

    private const string MonthReadSql = "UPDATE clusters SET month_read_at = @Now WHERE org_id = @Org AND name = @Cluster";

    // A poll that brought nothing leaves nothing behind.
    private const string ForgetSql = """
        DELETE FROM reads WHERE org_id = @Org AND id = @Id AND kind <> 'backfill' AND stored + updated + corrected + quarantined = 0
        """;

    private const string TidySql = """
        DELETE FROM reads WHERE org_id = @Org AND cluster = @Cluster AND kind <> 'backfill' AND finished_at < @Before
        """;

    private const string WindowSql = "UPDATE reads SET window_seconds = @Seconds WHERE org_id = @Org AND id = @Id";

    private const string FailSql = """
        UPDATE reads SET attempts = attempts + 1, error = @Error,
            status = CASE WHEN kind = 'backfill' AND attempts + 1 >= @AttemptsMax THEN 'dead_letter' ELSE status END,
            finished_at = CASE WHEN kind = 'backfill' AND attempts + 1 >= @AttemptsMax THEN @Now END
        WHERE org_id = @Org AND id = @Id
        RETURNING *
        """;

    private const string BackOffSql = """
        UPDATE clusters SET failures = failures + 1, last_error_at = @Now, last_error = @Error, poll_due_at = @Due WHERE org_id = @Org AND name = @Cluster
        """;

    private readonly PollingOptions polling = options.Value;

    public async Task RegisterAsync(Cluster cluster, CancellationToken cancellation)
    {
        DateTimeOffset now = Now();
        DateTimeOffset from = polling.From?.ToUniversalTime() ?? ReadSpan.OfOpenMonth(now, 0).From;
        await using OrgTransaction transaction = await database.BeginAsync(cluster.Org, cancellation);
        await transaction.ExecuteAsync(RegisterSql, new { cluster.Org, cluster.Name, From = from, Now = now }, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Begins what is due, and says what is to be read next.</summary>
    /// <returns>Null when there is nothing to read now.</returns>
    public async Task<ClusterRead?> NextAsync(Cluster cluster, CancellationToken cancellation)
    {
        DateTimeOffset now = Now();
        await using OrgTransaction transaction = await database.BeginAsync(cluster.Org, cancellation);
        ClusterRow row = (await transaction.QuerySingleOrDefaultAsync<ClusterRow>(ClusterSql, new { cluster.Org, cluster.Name }, cancellation))!;
        if (row.PollDueAt <= now)
        {
            await BeginAsync(ClusterRead.Poll, ReadSpan.OfPoll(row.ReadUntil, TimeSpan.FromMinutes(polling.OverlapMinutes), now));
            if (row.MonthReadAt is null || now - row.MonthReadAt >= TimeSpan.FromHours(polling.MonthHours))
                await BeginAsync(ClusterRead.Month, ReadSpan.OfOpenMonth(now, polling.PreviousMonthDays));
        }

        ClusterRead? next = await transaction.QuerySingleOrDefaultAsync<ClusterRead>(NextSql, new { cluster.Org, Cluster = cluster.Name, Now = now }, cancellation);
        await transaction.CommitAsync(cancellation);
        return next;

        Task BeginAsync(string kind, (DateTimeOffset From, DateTimeOffset To) span) => transaction.ExecuteAsync(
            BeginSql,
            new { Id = Guid.CreateVersion7(now), cluster.Org, Cluster = cluster.Name, Kind = kind, span.From, span.To, polling.WindowSeconds, Now = now },
            cancellation);
    }

    /// <summary>The read has reached its end.</summary>
    public async Task EndAsync(ClusterRead read, CancellationToken cancellation)
    {
        DateTimeOffset now = Now();
        var args = new { Org = read.OrgId, read.Id, read.Cluster, To = read.ToAt, Now = now, Due = now.AddSeconds(polling.IntervalSeconds), Before = now.AddDays(-DaysKept) };
        await using OrgTransaction transaction = await database.BeginAsync(read.OrgId, cancellation);
        if (await transaction.ExecuteAsync(EndSql, args, cancellation) == 1)
        {
            if (read.Kind == ClusterRead.Poll) await transaction.ExecuteAsync(PolledSql, args, cancellation);
            if (read.Kind == ClusterRead.Month) await transaction.ExecuteAsync(MonthReadSql, args, cancellation);
            if (read.Kind == ClusterRead.Backfill) await transaction.AuditAsync(new AuditAct("system", "backfill.succeeded", $"backfill:{read.Id}", Details(read)), cancellation);
            await transaction.ExecuteAsync(ForgetSql, args, cancellation);
            await transaction.ExecuteAsync(TidySql, args, cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    public async Task ResizeWindowAsync(ClusterRead read, int seconds, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(read.OrgId, cancellation);
        await transaction.ExecuteAsync(WindowSql, new { Org = read.OrgId, read.Id, Seconds = seconds }, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>No source could answer: the cluster is left alone for a while, longer each time. A poll is never given up.</summary>
    public async Task FailAsync(ClusterRead read, string error, CancellationToken cancellation)
    {
        DateTimeOffset now = Now();
        await using OrgTransaction transaction = await database.BeginAsync(read.OrgId, cancellation);
        ClusterRow row = (await transaction.QuerySingleOrDefaultAsync<ClusterRow>(ClusterSql, new { Org = read.OrgId, Name = read.Cluster }, cancellation))!;
        TimeSpan pause = ReadSpan.Backoff(row.Failures, polling.BackoffSecondsMax);
        string said = error[..Math.Min(error.Length, ErrorLengthMax)];
        // Jitter: clusters that went down together do not come back together.
        var args = new
        {
            Org = read.OrgId, read.Id, read.Cluster, Error = said, Now = now, Due = now + (pause * (0.75 + (Random.Shared.NextDouble() / 2))),
            AttemptsMax = polling.BackfillAttemptsMax,
        };
        ClusterRead failed = (await transaction.QuerySingleOrDefaultAsync<ClusterRead>(FailSql, args, cancellation))!;
        if (failed.FinishedAt is not null) await transaction.AuditAsync(new AuditAct("system", "backfill.failed", $"backfill:{read.Id}", Details(failed)), cancellation);
        await transaction.ExecuteAsync(BackOffSql, args, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private static Dictionary<string, string> Details(ClusterRead read) => new(StringComparer.Ordinal)
    {
        ["cluster"] = read.Cluster,
        ["requestedBy"] = read.RequestedBy,
        ["from"] = read.FromAt.ToString("O"),
        ["to"] = read.ToAt.ToString("O"),
    };

    private DateTimeOffset Now() => Microseconds.Truncate(clock.GetUtcNow());

    private sealed record ClusterRow
    {
        public DateTimeOffset ReadUntil { get; init; }
        public DateTimeOffset? MonthReadAt { get; init; }
        public DateTimeOffset PollDueAt { get; init; }
        public int Failures { get; init; }
    }
}
