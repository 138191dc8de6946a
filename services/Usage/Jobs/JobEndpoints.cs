using System.Text.Json;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.RecordingUsage;

namespace HpcBilling.Usage.Jobs;

/// <summary>GET /api/v1/jobs, /{id} and /{id}/events; POST /{id}/cancel and /{id}/requeue.</summary>
internal static class JobEndpoints
{
    private const int PageRows = 100;
    private const int EventsMax = 500;

    /// <summary>Whose job an id names.</summary>
    public static readonly OrgOwned Owned = new("job", "SELECT org_id FROM jobs WHERE id = @Id");

    private const string ListSql = """
        SELECT jobs.*, coalesce(i.runs, r.runs) AS runs, coalesce(i.stored, r.stored) AS stored, coalesce(i.quarantined, r.quarantined) AS quarantined
        FROM jobs LEFT JOIN import_jobs i ON i.org_id = @Org AND i.id = jobs.id LEFT JOIN reads r ON r.org_id = @Org AND r.id = jobs.id
        WHERE jobs.org_id = @Org AND (@Before::uuid IS NULL OR jobs.id < @Before) AND (@Type::text IS NULL OR type = @Type) AND (@Status::text IS NULL OR status = @Status)
        ORDER BY jobs.id DESC LIMIT @Rows
        """;

    private const string FindSql = "SELECT * FROM jobs WHERE org_id = @Org AND id = @Id";
    private const string FindReadSql = "SELECT * FROM cluster_reads WHERE org_id = @Org AND id = @Id";

    private const string EventsSql = """
        SELECT at, status, stage, attempts, error_code, error FROM job_events WHERE org_id = @Org AND job_id = @Id ORDER BY id DESC LIMIT @EventsMax
        """;

    public static void MapJobs(this WebApplication app)
    {
        RouteGroupBuilder jobs = app.MapGroup("/api/v1/jobs");
        RouteGroupBuilder reading = jobs.MapGroup("/").RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
        reading.MapGet("/", ListAsync);
        reading.MapGet("/{id:guid}", ReadAsync).RefusesOtherOrgs(Owned);
        reading.MapGet("/{id:guid}/events", EventsAsync).RefusesOtherOrgs(Owned);
        RouteGroupBuilder writing = jobs.MapGroup("/{id:guid}").RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));
        writing.MapPost("/cancel", CancelAsync).RefusesOtherOrgs(Owned);
        writing.MapPost("/requeue", RequeueAsync).RefusesOtherOrgs(Owned);
    }

    private static async Task<IResult> ListAsync(string? type, string? status, string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        if (type is not null && !Job.Types.Contains(type, StringComparer.Ordinal)) return Problems.Invalid("type", $"must be one of {string.Join(", ", Job.Types)}");
        if (status is not null && !Job.Statuses.Contains(status, StringComparer.Ordinal)) return Problems.Invalid("status", $"must be one of {string.Join(", ", Job.Statuses)}");
        if (!PageCursor.TryDecode(cursor, 1, out string[] key)) return Problems.Invalid("cursor", "is not one of this list");
        Guid? before = null;
        if (key.Length == 1)
        {
            if (!Guid.TryParse(key[0], out Guid id)) return Problems.Invalid("cursor", "is not one of this list");
            before = id;
        }

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<CountedJob> rows = await transaction.QueryAsync<CountedJob>(
            ListSql, new { Org = caller.OrgId, Before = before, Type = type, Status = status, Rows = PageRows + 1 }, cancellation);
        return TypedResults.Ok(Page.Of(rows, PageRows, JobView.Of, last => PageCursor.Encode(last.Id.ToString())));
    }

    private static async Task<IResult> ReadAsync(Guid id, Caller caller, Database database, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        return await ViewAsync(transaction, id, cancellation);
    }

    private static async Task<IResult> EventsAsync(Guid id, Caller caller, Database database, CancellationToken cancellation)
    {
        var args = new { Org = caller.OrgId, Id = id, EventsMax };
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<JobEventView> events = await transaction.QueryAsync<JobEventView>(EventsSql, args, cancellation);
        return events.Count == 0 ? Problems.NotFound("job") : TypedResults.Ok(new Page<JobEventView>(events, null));
    }

    private static async Task<IResult> CancelAsync(Guid id, Caller caller, Database database, JobLedger ledger, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        if (await transaction.QuerySingleOrDefaultAsync<Job>(FindSql, new { Org = caller.OrgId, Id = id }, cancellation) is not { } job) return Problems.NotFound("job");
        if (!await ledger.CancelAsync(transaction, id, caller.Username, cancellation))
        {
            return Problems.Conflict(job.Type is Job.Poll or Job.WholeMonth
                ? "A poll is not cancelled: the next one would begin at once. Disable or remove the cluster's sources instead."
                : $"The job is over: {job.Status}.");
        }

        await transaction.AuditAsync(caller.Act("job.cancelled", $"{job.Type}:{id}"), cancellation);
        return await CommittedAsync(transaction, id, cancellation);
    }

    private static async Task<IResult> RequeueAsync(Guid id, Caller caller, Database database, JobLedger ledger, JobSignals signals, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        if (await transaction.QuerySingleOrDefaultAsync<Job>(FindSql, new { Org = caller.OrgId, Id = id }, cancellation) is not { } job) return Problems.NotFound("job");
        if (!await ledger.RequeueAsync(transaction, id, cancellation))
        {
            return Problems.Conflict(job.Type is Job.Poll or Job.WholeMonth
                ? "A poll is not requeued: the next one reads what this one left."
                : $"Only a job that was given up or cancelled can be requeued; this one is {job.Status}.");
        }

        await transaction.AuditAsync(caller.Act("job.requeued", $"{job.Type}:{id}"), cancellation);
        IResult answer = await CommittedAsync(transaction, id, cancellation);
        signals.Of(job.Type).Set();
        return answer;
    }

    private static async Task<IResult> CommittedAsync(OrgTransaction transaction, Guid id, CancellationToken cancellation)
    {
        IResult answer = await ViewAsync(transaction, id, cancellation);
        await transaction.CommitAsync(cancellation);
        return answer;
    }

    private static async Task<IResult> ViewAsync(OrgTransaction transaction, Guid id, CancellationToken cancellation)
    {
        var args = new { Org = transaction.OrgId, Id = id };
        return await transaction.QuerySingleOrDefaultAsync<CountedJob>(FindSql, args, cancellation) switch
        {
            null => Problems.NotFound("job"),
            { Type: Job.Import } => TypedResults.Ok(ImportJobView.Of((await FindImport.FindAsync(transaction, id, cancellation))!)),
            { Type: Job.Poll or Job.WholeMonth or Job.Backfill } =>
                TypedResults.Ok(ClusterReadView.Of((await transaction.QuerySingleOrDefaultAsync<ClusterRead>(FindReadSql, args, cancellation))!)),
            { } job => TypedResults.Ok(JobView.Of(job)),
        };
    }

    private sealed record CountedJob : Job
    {
        public long? Runs { get; init; }
        public long? Stored { get; init; }
        public long? Quarantined { get; init; }
    }

    /// <summary>A job as a list shows it; <c>done</c> of <c>total</c> is the progress of its stage.</summary>
    private sealed record JobView(
        Guid Id, string Type, string Status, string Stage, string Subject, string RequestedBy, long Done, long? Total, long? Runs, long? Stored, long? Quarantined,
        int Attempts, DateTimeOffset DueAt, string? ErrorCode, string? Error, JsonElement? Result, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt,
        DateTimeOffset? FinishedAt)
    {
        public static JobView Of(CountedJob job) => new(
            job.Id, job.Type, job.Status, job.Stage, job.Subject, job.RequestedBy, job.Done, job.Total, job.Runs, job.Stored, job.Quarantined, job.Attempts, job.DueAt,
            job.ErrorCode, job.Error, job.Result is null ? null : JsonSerializer.Deserialize<JsonElement>(job.Result), job.CreatedAt, job.StartedAt, job.FinishedAt);
    }

    private sealed record JobEventView
    {
        public DateTimeOffset At { get; init; }
        public string Status { get; init; } = "";
        public string Stage { get; init; } = "";
        public int Attempts { get; init; }
        public string? ErrorCode { get; init; }
        public string? Error { get; init; }
    }
}
