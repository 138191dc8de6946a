namespace HpcBilling.Benchmarks;

/// <summary>Figures in columns, as docs/performance.md keeps them.</summary>
internal static class Table
{
    public static void Print(string[] head, IEnumerable<string[]> rows)
    {
        string[][] all = [head, .. rows];
        int[] widths = [.. head.Select((_, column) => all.Max(row => row[column].Length))];
        foreach (string[] row in all)
        {
            Console.WriteLine("| " + string.Join(" | ", row.Select((cell, column) => cell.PadLeft(widths[column]))) + " |");
            if (row == head) Console.WriteLine("| " + string.Join(" | ", widths.Select(width => new string('-', width - 1) + ':')) + " |");
        }
    }
}
