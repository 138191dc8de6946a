namespace HpcBilling.Cli.Importing;

/// <summary>What the usage service says about an import.</summary>
internal sealed record ImportJob(
    Guid Id,
    string Status,
    string? Stage,
    string? FileName,
    long SizeBytes,
    long BytesReceived,
    long BytesProcessed,
    long Lines,
    long Runs,
    long Stored,
    long Updated,
    long Known,
    long Quarantined,
    decimal CpuCoreHours,
    decimal GpuHours,
    string? ErrorCode,
    string? Error)
{
    public bool IsOver => Status is "succeeded" or "failed" or "dead_letter" or "cancelled";

    public bool HasSucceeded => Status == "succeeded";

    /// <summary>Runs that this import added or changed, and that rating will therefore hear of.</summary>
    public long RunsToRate => Stored + Updated;
}

/// <summary>What the user asks to import.</summary>
internal sealed record ImportRequest(FileInfo File, string? Fields, string? Cluster);

/// <summary>A step towards the end of an import; <see cref="Done"/> of <see cref="Total"/> bytes or runs.</summary>
internal sealed record ImportStep(string Name, long Done, long Total)
{
    public const string Uploading = "Uploading";
    public const string Processing = "Processing";
    public const string Rating = "Rating";
}
