namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>Why a line is in quarantine.</summary>
/// <param name="Code">One of the words below.</param>
/// <param name="Field">sacct's name of the field to blame; null when it is the line as a whole.</param>
/// <param name="Reason">A sentence for people.</param>
internal sealed record LineProblem(string Code, string? Field, string Reason)
{
    public const string BadField = "bad_field";
    public const string Contradiction = "contradiction";
    public const string WrongFieldCount = "wrong_field_count";
    public const string LineTooLong = "line_too_long";
    public const string RecordTooLong = "record_too_long";
    public const string NotUtf8 = "not_utf8";
    public const string Truncated = "truncated";
    public const string ChangedAfterFinal = "changed_after_final";
}

/// <summary>What a line of a log is.</summary>
internal enum LineKind
{
    Run,

    /// <summary>A step of a job (<c>123.batch</c>): its parent record is the one to charge.</summary>
    Step,

    Malformed,
}
