using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm;

/// <summary>Something that tells what a cluster's jobs used, for any span of time, as it is known now.</summary>
internal abstract class UsageSource(SourceOptions options) : IDisposable
{
    /// <summary>Records that are handed out, and stored, at once.</summary>
    public const int ChunkRecordsMax = 5000;

    public SourceOptions Options { get; } = options;

    public string Name => Options.Name;

    /// <summary>What it speaks, once it was asked: a data version, or the tool's own version.</summary>
    public string? Version { get; protected set; }

    /// <summary>Every record that overlaps the span, in chunks. A record may come in several spans.</summary>
    /// <exception cref="SourceException">Not all of them could be had; what was handed out is true all the same.</exception>
    public abstract IAsyncEnumerable<RecordChunk> ReadAsync(DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation);

    /// <summary>
    /// The same records with what the ended ones made use of, in <see cref="RecordChunk.Measured"/>. A question of its own, for it asks for every
    /// step: what is charged neither waits for it nor fails with it.
    /// </summary>
    /// <exception cref="SourceException">Not all could be had; what was handed out is true all the same.</exception>
    public abstract IAsyncEnumerable<RecordChunk> MeasureAsync(DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

internal enum SourceFault
{
    /// <summary>It is down, or refuses: another source may do.</summary>
    Unavailable,

    /// <summary>It did not answer in time: it hangs, or too much was asked of it.</summary>
    Slow,

    /// <summary>It answers more than can be taken at once: a shorter span will do.</summary>
    TooMuch,
}

internal sealed class SourceException(SourceFault fault, string message, Exception? cause = null) : Exception(message, cause)
{
    public SourceFault Fault { get; } = fault;
}
