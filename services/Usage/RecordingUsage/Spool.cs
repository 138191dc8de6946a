using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Uploads on disk, one file each, until they are imported.</summary>
internal sealed class Spool
{
    // A crash costs no more of an upload than this.
    private const int FlushBytes = 16 * 1024 * 1024;
    private const UnixFileMode OwnerAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string folder;

    public Spool(IOptions<UsageOptions> options)
    {
        folder = Path.GetFullPath(options.Value.SpoolPath);
        Directory.CreateDirectory(folder, OwnerAlone | UnixFileMode.UserExecute);
    }

    /// <exception cref="FileNotFoundException">Its bytes are gone.</exception>
    public FileStream OpenRead(Guid importId) => new(PathOf(importId), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);

    /// <summary>Opens an upload for this caller alone.</summary>
    /// <exception cref="IOException">Another request is writing it.</exception>
    public FileStream OpenWrite(Guid importId) => new(PathOf(importId), new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.Write,
        Share = FileShare.None,
        BufferSize = 0,
        UnixCreateMode = OwnerAlone,
    });

    /// <summary>Imports that have a file.</summary>
    public IEnumerable<Guid> Held() =>
        Directory.EnumerateFiles(folder).Select(path => Guid.TryParse(Path.GetFileName(path), out Guid id) ? id : Guid.Empty).Where(id => id != Guid.Empty);

    public void Delete(Guid importId) => File.Delete(PathOf(importId));

    /// <summary>Copies a body behind what is held, and tells each part that the disk has truly kept.</summary>
    /// <param name="file">Of <see cref="OpenWrite"/>.</param>
    /// <param name="offset">Bytes held before.</param>
    /// <param name="body">What follows; an interruption keeps what came before it.</param>
    /// <param name="bytesMax">Bytes that the body may have; what lies beyond is not read.</param>
    /// <param name="kept">Told the bytes held after each part.</param>
    /// <param name="cancellation">Stops the copying; what was read is kept all the same.</param>
    public static async Task AppendAsync(FileStream file, long offset, Stream body, long bytesMax, Func<long, Task> kept, CancellationToken cancellation)
    {
        var buffer = new byte[128 * 1024];
        file.SetLength(offset);
        file.Position = offset;
        long flushed = offset;
        long end = offset + bytesMax;
        try
        {
            while (file.Position < end)
            {
                int read = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, end - file.Position)), cancellation);
                if (read == 0) break;
                await file.WriteAsync(buffer.AsMemory(0, read), CancellationToken.None);
                if (file.Position - flushed >= FlushBytes) await KeepAsync();
            }
        }
        finally
        {
            if (file.Position > flushed) await KeepAsync();
        }

        async Task KeepAsync()
        {
            file.Flush(flushToDisk: true);
            flushed = file.Position;
            await kept(flushed);
        }
    }

    private string PathOf(Guid importId) => Path.Combine(folder, importId.ToString());
}
