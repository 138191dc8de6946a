using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.RecordingUsage;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Quarantine;

/// <summary>A row of <c>quarantine</c>; see the table for what the columns mean.</summary>
internal sealed record QuarantinedRow
{
    public const string Open = "open";

    private const string FindSql = "SELECT * FROM quarantine WHERE org_id = @Org AND id = @Id";

    public static readonly OrgOwned Owned = new("quarantined record", "SELECT org_id FROM quarantine WHERE id = @Id");

    /// <summary>What a record can be: to be looked at, stored after all, or put aside.</summary>
    public static readonly IReadOnlyList<string> States = [Open, "retried", "dismissed"];

    public Guid Id { get; init; }
    public Guid? ImportId { get; init; }
    public long? Line { get; init; }
    public Guid? ReadId { get; init; }
    public string? Cluster { get; init; }
    public string Source { get; init; } = "";
    public string Code { get; init; } = "";
    public string? Field { get; init; }
    public string Reason { get; init; } = "";
    public string Text { get; init; } = "";
    public string Format { get; init; } = "";
    public string? Layout { get; init; }
    public bool IsWhole { get; init; }
    public long Times { get; init; }
    public DateTimeOffset FirstSeenAt { get; init; }
    public DateTimeOffset LastSeenAt { get; init; }
    public string State { get; init; } = "";
    public int Tries { get; init; }
    public DateTimeOffset? TriedAt { get; init; }
    public string? JobKey { get; init; }
    public DateTimeOffset? ResolvedAt { get; init; }
    public string? ResolvedBy { get; init; }
    public string? DismissedBecause { get; init; }

    /// <summary>
    /// What is stored when it is read again counts as its import's, or its source's. A kept record does not say whether it still holds: like a
    /// file, it corrects nothing.
    /// </summary>
    public RunOrigin Origin => new(ImportId ?? ReadId!.Value, Source, IsLive: false);

    public static Task<QuarantinedRow?> FindAsync(OrgTransaction transaction, Guid id, CancellationToken cancellation) =>
        transaction.QuerySingleOrDefaultAsync<QuarantinedRow>(FindSql, new { Org = transaction.OrgId, Id = id }, cancellation);

    public KeptRecord Read() => KeptRecord.Read(new TextForm(Format, Layout!), Cluster, Text);
}

/// <summary>A record in quarantine as clients see it; <c>retryable</c> when all of it was kept, so that it can be read again.</summary>
internal sealed record QuarantinedView(
    Guid Id, string State, Guid? ImportId, long? Line, string? Cluster, string Source, string Code, string? Field, string Reason, string Text, bool Retryable,
    long Times, DateTimeOffset FirstSeenAt, DateTimeOffset LastSeenAt, int Tries, DateTimeOffset? TriedAt, string? JobKey, DateTimeOffset? ResolvedAt,
    string? ResolvedBy, string? DismissedBecause)
{
    public static QuarantinedView Of(QuarantinedRow row) => new(
        row.Id, row.State, row.ImportId, row.Line, row.Cluster, row.Source, row.Code, row.Field, row.Reason, row.Text, row.IsWhole,
        row.Times, row.FirstSeenAt, row.LastSeenAt, row.Tries, row.TriedAt, row.JobKey, row.ResolvedAt,
        row.ResolvedBy, row.DismissedBecause);
}
