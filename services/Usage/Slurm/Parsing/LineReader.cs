namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>How a line ended.</summary>
internal enum LineEnd
{
    Complete,

    /// <summary>Longer than <see cref="LineReader.LineBytesMax"/>; its rest was passed over.</summary>
    TooLong,

    /// <summary>The log ended without a line end: sacct always writes one, so the line may be cut off.</summary>
    Missing,
}

/// <summary>Reads a log line by line in constant memory, whatever the length of its lines, and knows where it is.</summary>
/// <param name="stream">Positioned at <paramref name="offset"/>.</param>
/// <param name="offset">Bytes of the log before the first line to read.</param>
/// <param name="lineNumber">Lines of the log before it.</param>
internal sealed class LineReader(Stream stream, long offset, long lineNumber)
{
    public const int LineBytesMax = 64 * 1024;

    /// <summary>What is handed out of a line that is too long.</summary>
    public const int HeadBytes = 2 * 1024;

    private readonly byte[] buffer = new byte[4 * LineBytesMax];
    private readonly byte[] head = new byte[HeadBytes];
    private int start;
    private int end;

    /// <summary>Bytes of the log up to and with the last line read.</summary>
    public long Offset { get; private set; } = offset;

    /// <summary>Number of the last line read, counting from 1.</summary>
    public long LineNumber { get; private set; } = lineNumber;

    /// <param name="line">Without its line end (LF or CRLF); valid until the next call. The head alone of a line that is too long.</param>
    /// <param name="lineEnd">How it ended.</param>
    /// <returns>False at the end of the log.</returns>
    public bool TryRead(out ReadOnlySpan<byte> line, out LineEnd lineEnd)
    {
        while (true)
        {
            var rest = buffer.AsSpan(start, end - start);
            var length = rest.IndexOf((byte)'\n');
            if (length > LineBytesMax || (length < 0 && rest.Length > LineBytesMax)) return SkipRest(out line, out lineEnd);
            if (length >= 0)
            {
                Take(length + 1);
                return Give(rest[..length], LineEnd.Complete, out line, out lineEnd);
            }

            if (Fill()) continue;
            line = default;
            lineEnd = LineEnd.Missing;
            if (rest.IsEmpty) return false;

            // The bytes were moved to the front by the attempt to read more.
            rest = buffer.AsSpan(start, end - start);
            Take(rest.Length);
            return Give(rest, LineEnd.Missing, out line, out lineEnd);
        }
    }

    private bool Give(ReadOnlySpan<byte> text, LineEnd how, out ReadOnlySpan<byte> line, out LineEnd lineEnd)
    {
        LineNumber++;
        line = text is [.., (byte)'\r'] ? text[..^1] : text;
        lineEnd = how;
        return true;
    }

    private bool SkipRest(out ReadOnlySpan<byte> line, out LineEnd lineEnd)
    {
        buffer.AsSpan(start, HeadBytes).CopyTo(head);
        while (true)
        {
            var rest = buffer.AsSpan(start, end - start);
            var length = rest.IndexOf((byte)'\n');
            Take(length >= 0 ? length + 1 : rest.Length);
            if (length >= 0 || !Fill()) return Give(head, LineEnd.TooLong, out line, out lineEnd);
        }
    }

    private void Take(int bytes)
    {
        start += bytes;
        Offset += bytes;
    }

    private bool Fill()
    {
        var kept = end - start;
        buffer.AsSpan(start, kept).CopyTo(buffer);
        (start, end) = (0, kept);
        var read = stream.Read(buffer, kept, buffer.Length - kept);
        end += read;
        return read > 0;
    }
}
