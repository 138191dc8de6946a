namespace HpcBilling.Usage.Jobs;

/// <summary>A row of <c>jobs</c>; see the table for what the columns mean.</summary>
internal record Job
{
    public const string Import = "import";
    public const string Poll = "poll";
    public const string Month = "month";
    public const string Backfill = "backfill";
    public const string Export = "export";

    public static readonly IReadOnlyList<string> Types = [Import, Poll, Month, Backfill, "reconcile", Export];
    public static readonly IReadOnlyList<string> Statuses = ["queued", "running", "succeeded", "failed", "dead_letter", "cancelled"];

    public Guid Id { get; init; }
    public Guid OrgId { get; init; }
    public string Type { get; init; } = "";
    public string Status { get; init; } = "";
    public string Stage { get; init; } = "";
    public string Subject { get; init; } = "";
    public string RequestedBy { get; init; } = "";
    public string? RequestHash { get; init; }
    public string? Request { get; init; }
    public string? Result { get; init; }
    public long Done { get; init; }
    public long? Total { get; init; }
    public int Attempts { get; init; }
    public DateTimeOffset DueAt { get; init; }
    public string? FailAtStage { get; init; }
    public string? ErrorCode { get; init; }
    public string? Error { get; init; }
    public string? TraceParent { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
}

/// <summary>Long work that somebody asks for.</summary>
/// <param name="Type">One of <see cref="Job.Types"/>.</param>
/// <param name="Stage">Where it begins: <c>waiting</c>, or <c>receiving</c> when something is still to come.</param>
/// <param name="Subject">The file or the cluster that it is about.</param>
/// <param name="RequestedBy">Who asked.</param>
internal sealed record NewJob(string Type, string Stage, string Subject, string RequestedBy)
{
    /// <summary>Makes asking twice the same as asking once; unique within the org.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>What was asked for: under the same key it must be the same.</summary>
    public string? RequestHash { get; init; }

    /// <summary>JSON for the worker.</summary>
    public string? Request { get; init; }

    public long? Total { get; init; }

    public string? FailAtStage { get; init; }
}
