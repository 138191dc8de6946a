using System.Buffers;
using System.Text;

namespace HpcBilling.Ui.Formatting;

/// <summary>Rows of a CSV file (RFC 4180) that is safe to open in a spreadsheet.</summary>
public static class CsvText
{
    private static readonly SearchValues<char> NeedsQuotes = SearchValues.Create(",\"\r\n");

    private static readonly SearchValues<char> Figures = SearchValues.Create("0123456789.");

    public static string Row(params ReadOnlySpan<string?> fields)
    {
        var row = new StringBuilder();
        for (int i = 0; i < fields.Length; i++)
        {
            if (i > 0) row.Append(',');
            row.Append(Field(fields[i] ?? ""));
        }

        return row.Append("\r\n").ToString();
    }

    /// <summary>
    /// A spreadsheet runs a cell that begins like a formula; an apostrophe before it makes it text. Names come from users,
    /// so that <c>=HYPERLINK(…)</c> as a job's account is a matter of time. A number below zero is no formula, whoever wrote it.
    /// </summary>
    private static string Field(string field)
    {
        string safe = field.Length > 0 && field[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' && !IsBelowZero(field) ? "'" + field : field;
        return safe.AsSpan().ContainsAny(NeedsQuotes) ? "\"" + safe.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"" : safe;
    }

    private static bool IsBelowZero(string field) =>
        field.Length > 1 && field[0] == '-' && char.IsAsciiDigit(field[1]) && !field.AsSpan(1).ContainsAnyExcept(Figures);
}
