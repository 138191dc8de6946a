using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace HpcBilling.Audit.Domain;

/// <summary>The chain as a file that a spreadsheet opens and a verifier trusts: RFC 4180, every cell quoted, UTF-8.</summary>
/// <remarks>
/// A cell that a spreadsheet would take for a formula gets an apostrophe in front, and so does one that begins with an apostrophe;
/// taking one leading apostrophe away therefore gives back the exact text. Source: docs/adr/0005-audit-chain.md.
/// </remarks>
internal static class ChainCsv
{
    private static readonly string[] Columns =
    [
        "seq", "entry_id", "occurred_at", "recorded_at", "service", "actor", "action", "subject", "ip_address", "details",
        "org_id", "prev_hash", "hash",
    ];

    public static void WriteHeader(TextWriter csv) => WriteRow(csv, Columns);

    public static void Write(TextWriter csv, SealedEntry row)
    {
        AuditEntry e = row.Entry;
        WriteRow(
            csv,
            [
                e.Seq.ToString(CultureInfo.InvariantCulture), e.EntryId.ToString("D"), CanonicalRecord.Instant(e.OccurredAt),
                CanonicalRecord.Instant(e.RecordedAt), e.Service, e.Actor, e.Action, e.Subject, e.IpAddress ?? "",
                CanonicalRecord.Details(e.Details), e.OrgId.ToString("D"), row.PrevHash, row.Hash,
            ]);
    }

    /// <summary>Verifies an export line by line; the file may be larger than memory.</summary>
    public static ChainVerdict Verify(TextReader csv)
    {
        var rows = new CsvReader(csv);
        if (rows.Read() is not CsvRow.Cells header || !header.Values.SequenceEqual(Columns, StringComparer.Ordinal))
            return Unreadable(HashChain.Start, $"line 1 is not the header of an audit export: {string.Join(',', Columns)}");

        var verifier = new ChainVerifier();
        while (true)
        {
            CsvRow row = rows.Read();
            if (row is CsvRow.End) return verifier.Finish();
            if (row is CsvRow.Malformed bad) return Unreadable(verifier.Head, $"line {bad.Line}: {bad.Reason}");
            var cells = (CsvRow.Cells)row;
            if (!TryParse(cells.Values, out SealedEntry? entry, out string reason))
                return Unreadable(verifier.Head, $"line {cells.Line}: {reason}");
            if (verifier.Check(entry) is { } broken) return broken;
        }
    }

    private static ChainVerdict.Broken Unreadable(ChainHead head, string reason) =>
        new(head.Seq + 1, null, ChainFault.Unreadable, reason, head.Seq);

    private static bool TryParse(
        IReadOnlyList<string> cells, [NotNullWhen(true)] out SealedEntry? row, out string reason)
    {
        row = null;
        reason = $"{cells.Count} cells instead of {Columns.Length}";
        if (cells.Count != Columns.Length) return false;
        string[] c = [.. cells.Select(Unguard)];

        reason = "";
        if (!long.TryParse(c[0], NumberStyles.None, CultureInfo.InvariantCulture, out long seq)) reason = "seq is not a number";
        if (!Guid.TryParseExact(c[1], "D", out Guid entryId)) reason = "entry_id is not a UUID";
        if (!CanonicalRecord.TryReadInstant(c[2], out DateTimeOffset occurredAt)) reason = "occurred_at is not an instant";
        if (!CanonicalRecord.TryReadInstant(c[3], out DateTimeOffset recordedAt)) reason = "recorded_at is not an instant";
        if (!DetailsJson.TryRead(c[9], out Dictionary<string, string> details)) reason = "details are not a JSON object of texts";
        if (!Guid.TryParseExact(c[10], "D", out Guid orgId)) reason = "org_id is not a UUID";
        if (reason.Length > 0) return false;

        string? ipAddress = c[8].Length == 0 ? null : c[8];
        row = new SealedEntry(
            new AuditEntry(orgId, seq, entryId, occurredAt, recordedAt, c[4], c[5], c[6], c[7], details, ipAddress), c[11], c[12]);
        return true;
    }

    private static void WriteRow(TextWriter csv, string[] cells)
    {
        for (int i = 0; i < cells.Length; i++)
        {
            csv.Write(i == 0 ? "\"" : ",\"");
            csv.Write(Guard(cells[i]).Replace("\"", "\"\"", StringComparison.Ordinal));
            csv.Write('"');
        }

        csv.Write("\r\n");
    }

    // What Excel, LibreOffice and Sheets evaluate, the full-width forms some of them fold to it, and the apostrophe itself.
    private static string Guard(string text) => text.Length > 0 && "=+-@\t\r\n'＝＋－＠".Contains(text[0]) ? "'" + text : text;

    private static string Unguard(string cell) => cell.StartsWith('\'') ? cell[1..] : cell;
}
