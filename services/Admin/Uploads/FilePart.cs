using System.Net;

namespace HpcBilling.Admin.Uploads;

/// <summary>The file of a form. It passes once: what was read cannot be read again.</summary>
/// <param name="name">As the sender calls it; empty when none was chosen.</param>
/// <param name="length">Bytes, as the request's length says; null when the request does not.</param>
/// <param name="bytes">Of the part.</param>
public sealed class FilePart(string name, long? length, Stream bytes)
{
    private const int BufferBytes = 128 * 1024;
    private readonly byte[] buffer = new byte[BufferBytes];

    public string Name => name;

    public long? Length => length;

    /// <summary>Bytes that have been read.</summary>
    public long Position { get; private set; }

    /// <summary>The request's length promised another file than the one that came.</summary>
    public bool IsNotAsAnnounced { get; private set; }

    /// <summary>Passes over what is known already.</summary>
    public async Task SkipToAsync(long position, CancellationToken ct)
    {
        while (Position < position) await ReadAsync(position - Position, ct);
    }

    /// <summary>The rest, as the body of a request; sent as it comes.</summary>
    public HttpContent Rest() => new RestContent(this);

    /// <exception cref="InvalidDataException">Fewer bytes are there, or more, than were announced.</exception>
    private async Task<ReadOnlyMemory<byte>> ReadAsync(long max, CancellationToken ct)
    {
        int read = await bytes.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, max)), ct);
        if (read == 0) throw NotAsAnnounced();
        Position += read;

        // Asked before the last bytes go on: with them the file would count as complete.
        if (Position == length && await bytes.ReadAsync(new byte[1], ct) > 0) throw NotAsAnnounced();
        return buffer.AsMemory(0, read);
    }

    private InvalidDataException NotAsAnnounced()
    {
        IsNotAsAnnounced = true;
        return new InvalidDataException("The file is not as long as the request said.");
    }

    private sealed class RestContent(FilePart part) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            while (part.Position < part.Length) await stream.WriteAsync(await part.ReadAsync(part.Length.Value - part.Position, cancellationToken), cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = (part.Length ?? 0) - part.Position;
            return part.Length is not null;
        }
    }
}
