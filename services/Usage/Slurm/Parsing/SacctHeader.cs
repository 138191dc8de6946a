using System.Text;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>What the beginning of a log says about the rest of it.</summary>
internal abstract record SacctHeader
{
    private const string Example = "JobID|JobIDRaw|Cluster|User|Account|Partition|QOS|State|Submit|Start|End|ElapsedRaw|AllocTRES";
    private const int ShownMax = 120;

    private SacctHeader()
    {
    }

    /// <summary>Records follow.</summary>
    /// <param name="Layout">Which column holds which field.</param>
    /// <param name="Offset">Bytes before the first record.</param>
    /// <param name="Lines">Lines before the first record.</param>
    internal sealed record Understood(SacctLayout Layout, long Offset, long Lines) : SacctHeader;

    /// <summary>Nothing of the log can be imported.</summary>
    /// <param name="Code">Stable word for programs.</param>
    /// <param name="Message">What was expected and what was found, for people.</param>
    internal sealed record Refused(string Code, string Message) : SacctHeader;

    /// <summary>Reads the beginning of a log.</summary>
    /// <param name="log">From its first byte; where it is left is not defined.</param>
    /// <param name="fields">Names of the columns, for logs without a header: see <see cref="SacctLayout.SplitFields"/>.</param>
    /// <param name="cluster">Cluster of every record, for logs without that column.</param>
    public static SacctHeader Read(Stream log, string? fields, string? cluster)
    {
        var block = new byte[LineReader.LineBytesMax];
        var length = log.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
        var start = block.AsSpan(0, length);
        if (start.IsEmpty) return new Refused("empty_file", "The file is empty.");
        if (start is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            return new Refused("wrong_encoding", "The file is UTF-16; sacct writes UTF-8.");
        if (start.Contains((byte)0)) return new Refused("binary_file", "The file holds NUL bytes: it is no text, and no log of sacct --parsable2.");

        var mark = start.StartsWith("\uFEFF"u8) ? 3 : 0;
        var lineEnd = start[mark..].IndexOf((byte)'\n');
        var first = Encoding.UTF8.GetString(lineEnd < 0 ? start[mark..] : start.Slice(mark, lineEnd)).TrimEnd('\r');
        var found = first.Split('|');
        var afterFirst = lineEnd < 0 ? length : mark + lineEnd + 1;
        return fields is null ? OfHeader(first, found, cluster, afterFirst) : OfFields(SacctLayout.SplitFields(fields), found, cluster, mark, afterFirst);
    }

    private static SacctHeader OfFields(IReadOnlyList<string> names, string[] found, string? cluster, int mark, int afterFirst)
    {
        if (!SacctLayout.TryCreate(names, cluster, out var layout, out var problem)) return new Refused("wrong_fields", problem);

        var isHeader = names.SequenceEqual(found, StringComparer.OrdinalIgnoreCase);
        return isHeader ? new Understood(layout, afterFirst, 1) : new Understood(layout, mark, 0);
    }

    private static SacctHeader OfHeader(string first, string[] found, string? cluster, int afterFirst)
    {
        if (SacctLayout.TryCreate(found, cluster, out var layout, out var problem)) return new Understood(layout, afterFirst, 1);

        // A header that only lacks the cluster is a header all the same.
        if (found.Count(name => SacctFields.TryFind(name, out _)) >= 2) return new Refused("wrong_header", problem);
        return new Refused(
            "wrong_header",
            $"The first line is no header of sacct --parsable2. Expected names between '|', such as {Example}; found '{Show(first)}'. "
            + "For a log without a header, name its fields (hpcb import --fields).");
    }

    // Bounded, and only the leading columns: what follows may be a job's name.
    private static string Show(string line)
    {
        var text = string.Concat(string.Join('|', line.Split('|').Take(5)).Select(c => char.IsControl(c) ? '\uFFFD' : c));
        return text.Length < line.Length || text.Length > ShownMax ? text[..Math.Min(text.Length, ShownMax)] + "…" : text;
    }
}
