namespace HpcBilling.Contracts;

/// <summary>Ended runs of which a usage source now tells other facts than before; at most <see cref="UsageRecorded.RunsMax"/> a message.</summary>
/// <param name="OrgId">Tenant that owns the runs.</param>
/// <param name="CorrectionId">Identity of this message's runs; it may arrive more than once.</param>
/// <param name="ReadId">The reading of the source that brought them.</param>
/// <param name="Source">Name of the source.</param>
/// <param name="LearntAt">UTC; when it was noticed.</param>
/// <param name="Runs">Never empty. Order carries no meaning.</param>
public sealed record UsageCorrected(
    Guid OrgId,
    Guid CorrectionId,
    Guid ReadId,
    string Source,
    DateTimeOffset LearntAt,
    IReadOnlyList<CorrectedRun> Runs);

/// <summary>A run with the facts that hold from now on.</summary>
/// <param name="Run">Its revision is above every one told before.</param>
/// <param name="Changed">Names of the facts that differ: <c>ended_at</c>, <c>charged_seconds</c>, <c>account</c> …</param>
public sealed record CorrectedRun(RecordedRun Run, IReadOnlyList<string> Changed);
