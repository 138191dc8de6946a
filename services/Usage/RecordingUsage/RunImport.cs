using System.Threading.Channels;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Slurm.Parsing;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Takes an import from its checkpoint to the end of its log: one thread reads and parses while the database stores the chunk before.</summary>
internal sealed class RunImport(Database database, Spool spool, IOptions<UsageOptions> options)
{
    /// <returns>Null when all is stored; otherwise why nothing of the log can be.</returns>
    /// <exception cref="LeaseLostException">Another worker has the import.</exception>
    public async Task<SacctHeader.Refused?> RunAsync(ImportJob job, Guid leaseOwner, CancellationToken cancellation)
    {
        await using FileStream log = OpenWhole(job);
        switch (SacctHeader.Read(log, job.Fields, job.Cluster))
        {
            case SacctHeader.Refused refused:
                return refused;
            case SacctHeader.Understood header:
                await StoreAsync(job, leaseOwner, header, log, cancellation);
                return null;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private async Task StoreAsync(ImportJob job, Guid leaseOwner, SacctHeader.Understood header, FileStream log, CancellationToken cancellation)
    {
        // Before the first checkpoint the header is still to be passed over.
        var isFresh = job.BytesProcessed == 0;
        log.Position = isFresh ? header.Offset : job.BytesProcessed;
        var reader = new ChunkReader(log, header.Layout, log.Position, isFresh ? header.Lines : job.LinesProcessed, options.Value.ChunkLinesMax);
        var store = new StoreChunk(database, job, leaseOwner, place => ReadText(log, place, header.Layout));

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var chunks = Channel.CreateBounded<ImportChunk>(1);
        Task reading = Task.Run(() => ReadAsync(reader, chunks.Writer, stop.Token), stop.Token);
        try
        {
            await foreach (ImportChunk chunk in chunks.Reader.ReadAllAsync(stop.Token)) await store.StoreAsync(chunk, stop.Token);
        }
        finally
        {
            await stop.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task ReadAsync(ChunkReader reader, ChannelWriter<ImportChunk> chunks, CancellationToken cancellation)
    {
        try
        {
            while (reader.Read(cancellation) is { } chunk) await chunks.WriteAsync(chunk, cancellation);
            chunks.Complete();
        }
        catch (Exception failure)
        {
            chunks.Complete(failure);
        }
    }

    private FileStream OpenWhole(ImportJob job)
    {
        FileStream log = spool.OpenRead(job.Id);
        long length = log.Length;
        if (length == job.SizeBytes) return log;
        log.Dispose();
        throw new FileNotFoundException($"The upload has {length} bytes instead of {job.SizeBytes}.");
    }

    private static string ReadText(FileStream log, LinePlace place, SacctLayout layout)
    {
        var line = new byte[place.Bytes];
        RandomAccess.Read(log.SafeFileHandle, line, place.Offset);
        return QuarantineText.Of(line.AsSpan().TrimEnd("\r\n"u8), layout, isWhole: true);
    }
}
