using System.Text;

namespace HpcBilling.Audit.Domain;

/// <summary>What the reader found next.</summary>
internal abstract record CsvRow
{
    private CsvRow() { }

    internal sealed record Cells(long Line, IReadOnlyList<string> Values) : CsvRow;

    internal sealed record Malformed(long Line, string Reason) : CsvRow;

    internal sealed record End : CsvRow;
}

/// <summary>RFC 4180, strictly and within bounds; lines end in LF or CRLF.</summary>
internal sealed class CsvReader(TextReader csv)
{
    public const int CellCharsMax = 256 * 1024;
    public const int CellsMax = 64;
    private const int EndOfFile = -1;

    private long line = 1;

    public CsvRow Read()
    {
        if (csv.Peek() == EndOfFile) return new CsvRow.End();
        long startsAt = line;
        var cells = new List<string>();
        while (true)
        {
            var cell = new StringBuilder();
            string? fault = csv.Peek() == '"' ? ReadQuoted(cell) : ReadBare(cell);
            if (fault is not null) return new CsvRow.Malformed(startsAt, fault);
            cells.Add(cell.ToString());
            if (cells.Count > CellsMax) return new CsvRow.Malformed(startsAt, $"more than {CellsMax} cells");

            int next = csv.Read();
            if (next == ',') continue;
            if (next == '\r' && csv.Peek() == '\n') next = csv.Read();
            if (next is not ('\n' or EndOfFile)) return new CsvRow.Malformed(startsAt, "text after a closing quote");
            line++;
            return new CsvRow.Cells(startsAt, cells);
        }
    }

    private string? ReadQuoted(StringBuilder cell)
    {
        _ = csv.Read();
        while (true)
        {
            int c = csv.Read();
            if (c == EndOfFile) return "the file ends inside a quoted cell";
            if (c == '"')
            {
                if (csv.Peek() != '"') return null;
                _ = csv.Read();
            }

            if (c == '\n') line++;
            if (cell.Length >= CellCharsMax) return $"a cell of more than {CellCharsMax} characters";
            cell.Append((char)c);
        }
    }

    private string? ReadBare(StringBuilder cell)
    {
        while (csv.Peek() is not (',' or '\r' or '\n' or EndOfFile))
        {
            if (cell.Length >= CellCharsMax) return $"a cell of more than {CellCharsMax} characters";
            cell.Append((char)csv.Read());
        }

        return null;
    }
}
