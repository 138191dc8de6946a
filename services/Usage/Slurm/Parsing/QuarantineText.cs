using System.Text;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>
/// What is kept of a line in quarantine: the columns that pricing needs, <c>*</c> for every other. A line with the wrong number of columns
/// ends before its first other column: behind it, nobody can tell a job's command line from a field.
/// </summary>
internal static class QuarantineText
{
    public const int CharsMax = 2048;

    private const char Hidden = '*';
    private const char Cut = '…';
    private const char Unprintable = '\uFFFD';

    /// <param name="line">Any bytes.</param>
    /// <param name="layout">Columns of the log.</param>
    /// <param name="isWhole">False when the line was cut, so that its columns cannot be counted.</param>
    public static string Of(ReadOnlySpan<byte> line, SacctLayout layout, bool isWhole)
    {
        var columns = line.Count(layout.Separator) + 1;
        var isTrusted = isWhole && (columns == layout.Columns || (columns > layout.Columns && layout.JobNameIsLast));
        var text = new StringBuilder();
        var column = 0;
        foreach (var range in line.Split(layout.Separator))
        {
            if (column == layout.Columns) break;
            if (column > 0) text.Append('|');
            if (layout.FieldOf(column) is { } field && !field.IsOfUse())
            {
                AppendPrintable(text, line[range]);
            }
            else if (isTrusted)
            {
                text.Append(Hidden);
            }
            else
            {
                text.Append(Cut);
                break;
            }

            if (text.Length > CharsMax) return text.ToString(0, CharsMax - 1) + Cut;
            column++;
        }

        return text.ToString();
    }

    private static void AppendPrintable(StringBuilder text, ReadOnlySpan<byte> utf8)
    {
        foreach (var c in Encoding.UTF8.GetString(utf8)) text.Append(char.IsControl(c) ? Unprintable : c);
    }
}
