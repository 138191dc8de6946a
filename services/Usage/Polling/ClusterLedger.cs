using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>What is to be read of a cluster and how far it is. Everything is in the tables: whoever has the lease goes on where another stopped.</summary>
internal sealed class ClusterLedger(Database database, JobLedger jobs, IOptions<PollingOptions> options, TimeProvider clock)
{
    private const int ErrorLengthMax = 500;

    // Of polls; back-fills stay.
    private const int DaysKept = 30;

    // Whoever changed a source wants to see what becomes of it, not what its predecessor's failures make it wait for.
    private const string RegisterSql = """
        INSERT INTO clusters (org_id, name, read_until, month_read_at, poll_due_at) VALUES (@Org, @Name, @From, @Now, @Now)
        ON CONFLICT (org_id, name) DO UPDATE SET poll_due_at = @Now, failures = 0 WHERE @IsChanged
        """;

    private const string ClusterSql = "SELECT * FROM clusters WHERE org_id = @Org AND name = @Name";

    // One of each at a time: what another replica has begun is gone on with.
    private const string BeginSql = """
        INSERT INTO reads (id, org_id, cluster, from_at, to_at, position_at, window_seconds) VALUES (@Id, @Org, @Cluster, @From, @To, @From, @WindowSeconds)
        """;

    // Years of the past wait for what happens now.
    private const string NextSql = """
        UPDATE jobs SET status = 'running', stage = 'reading', started_at = coalesce(started_at, @Now)
        WHERE id = (
            SELECT id FROM jobs WHERE org_id = @Org AND subject = @Cluster AND type IN ('poll', 'month', 'backfill') AND status IN ('queued', 'running')
            ORDER BY array_position(ARRAY['poll', 'month', 'backfill'], type), created_at LIMIT 1)
        RETURNING id
        """;

    private const string FindSql = "SELECT * FROM cluster_reads WHERE org_id = @Org AND id = @Id";

    private const string EndSql = """
        UPDATE jobs SET status = 'succeeded', stage = 'done', finished_at = @Now, error_code = NULL, error = NULL
        WHERE org_id = @Org AND id = @Id AND status = 'running' AND EXISTS (SELECT 1 FROM reads WHERE reads.org_id = @Org AND reads.id = @Id AND position_at = to_at)
        """;

    // A poll that was asked for while this one ran, by a change of the sources, is still owed.
    private const string PolledSql = """
        UPDATE clusters SET read_until = greatest(read_until, @To), poll_due_at = CASE WHEN poll_due_at > @Began THEN least(poll_due_at, @Due) ELSE @Due END WHERE org_id = @Org AND name = @Cluster
        """;

    private const string MonthReadSql = "UPDATE clusters SET month_read_at = @Now WHERE org_id = @Org AND name = @Cluster";

    // A poll that brought nothing leaves nothing behind.
    private const string ForgetSql = """
        DELETE FROM jobs
        WHERE org_id = @Org AND id = @Id AND type <> 'backfill'
            AND EXISTS (SELECT 1 FROM reads WHERE reads.org_id = @Org AND reads.id = @Id AND stored + updated + corrected + quarantined = 0)
        """;

    private const string TidySql = """
        DELETE FROM jobs WHERE org_id = @Org AND subject = @Cluster AND type IN ('poll', 'month') AND finished_at < @Before
        """;

    private const string WindowSql = "UPDATE reads SET window_seconds = @Seconds WHERE org_id = @Org AND id = @Id";

    private const string FailSql = """
        UPDATE jobs SET attempts = attempts + 1, due_at = @Due, error = @Error,
            error_code = CASE WHEN type = 'backfill' AND attempts + 1 >= @AttemptsMax THEN 'attempts_exhausted' ELSE 'attempt_failed' END,
            status = CASE WHEN type = 'backfill' AND attempts + 1 >= @AttemptsMax THEN 'dead_letter' ELSE 'queued' END,
            stage = CASE WHEN type = 'backfill' AND attempts + 1 >= @AttemptsMax THEN 'done' ELSE 'waiting' END,
            finished_at = CASE WHEN type = 'backfill' AND attempts + 1 >= @AttemptsMax THEN @Now END
        WHERE org_id = @Org AND id = @Id AND status = 'running'
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
        await transaction.ExecuteAsync(RegisterSql, new { cluster.Org, cluster.Name, From = from, Now = now, cluster.IsChanged }, cancellation);
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
            await BeginAsync(Job.Poll, ReadSpan.OfPoll(row.ReadUntil, TimeSpan.FromMinutes(polling.OverlapMinutes), now));
            if (row.MonthReadAt is null || now - row.MonthReadAt >= TimeSpan.FromHours(polling.MonthHours))
                await BeginAsync(Job.WholeMonth, ReadSpan.OfOpenMonth(now, polling.PreviousMonthDays));
        }

        Guid? id = await transaction.QuerySingleOrDefaultAsync<Guid?>(NextSql, new { cluster.Org, Cluster = cluster.Name, Now = now }, cancellation);
        ClusterRead? next = id is null ? null : await transaction.QuerySingleOrDefaultAsync<ClusterRead>(FindSql, new { cluster.Org, Id = id }, cancellation);
        await transaction.CommitAsync(cancellation);
        return next;

        async Task BeginAsync(string type, (DateTimeOffset From, DateTimeOffset To) span)
        {
            var wanted = new NewJob(type, "waiting", cluster.Name, "system") { Total = ReadSpan.Seconds(span.From, span.To) };
            if (await jobs.TryCreateAsync(transaction, wanted, cancellation) is not { } created) return;
            await AddReadAsync(transaction, created.Id, cluster.Name, span.From, span.To, cancellation);
        }
    }

    /// <summary>What a job of this ledger reads, besides what every job has.</summary>
    public async Task AddReadAsync(OrgTransaction transaction, Guid job, string cluster, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) =>
        await transaction.ExecuteAsync(
            BeginSql, new { Id = job, Org = transaction.OrgId, Cluster = cluster, From = from, To = to, polling.WindowSeconds }, cancellation);

    /// <summary>The read has reached its end.</summary>
    public async Task EndAsync(ClusterRead read, CancellationToken cancellation)
    {
        DateTimeOffset now = Now();
        var args = new { Org = read.OrgId, read.Id, read.Cluster, To = read.ToAt, Began = read.StartedAt, Now = now, Due = now.AddSeconds(polling.IntervalSeconds), Before = now.AddDays(-DaysKept) };
        await using OrgTransaction transaction = await database.BeginAsync(read.OrgId, cancellation);
        if (await transaction.ExecuteAsync(EndSql, args, cancellation) == 1)
        {
            if (read.Type == Job.Poll) await transaction.ExecuteAsync(PolledSql, args, cancellation);
            if (read.Type == Job.WholeMonth) await transaction.ExecuteAsync(MonthReadSql, args, cancellation);
            if (read.Type == Job.Backfill) await transaction.AuditAsync(new AuditAct("system", "backfill.succeeded", $"backfill:{read.Id}", Details(read)), cancellation);
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
        // Cancelled meanwhile: nothing to give up.
        Job? failed = await transaction.QuerySingleOrDefaultAsync<Job>(FailSql, args, cancellation);
        if (failed?.FinishedAt is not null) await transaction.AuditAsync(new AuditAct("system", "backfill.failed", $"backfill:{read.Id}", Details(read)), cancellation);
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
