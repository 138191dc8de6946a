using System.Diagnostics;
using System.Globalization;
using System.Text;
using CsvHelper;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Benchmarks;

/// <summary>Lines read, parsed and normalised in a second by one core, beside CsvHelper and Split, which only make strings of the fields, and what one would write first.</summary>
internal static class Parsing
{
    private const int Rows = 500_000;
    private const int Rounds = 5;

    public static int Run()
    {
        byte[] log = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(1, Rows).Select(GeneratedLog.Line)));
        Table.Print(
            ["what", "rows/s per core", "MB/s", "bytes allocated a row"],
            [
                Measure("parse + normalise", log, Parse), Measure("Split('|'), DateTime.Parse, dictionary of TRES", log, Naive),
                Measure("CsvHelper, fields as strings", log, Csv), Measure("Split('|') alone", log, Split),
            ]);
        return 0;
    }

    private static string[] Measure(string name, byte[] log, Func<byte[], int> read)
    {
        (double best, long allocated) = (double.MaxValue, 0);
        for (int round = 0; round < Rounds; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            long began = Stopwatch.GetTimestamp();
            if (read(log) != Rows) throw new InvalidOperationException($"{name} did not read every row");
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds);
            allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / Rows;
        }

        return [name, Text(Rows / best), Text(log.Length / best / 1e6), Text(allocated)];
    }

    private static int Parse(byte[] log)
    {
        if (!SacctLayout.TryCreate(GeneratedLog.Header.Split('|'), null, out SacctLayout layout, out string problem)) throw new InvalidOperationException(problem);
        var (parser, reader, runs) = (new SacctLineParser(layout), new LineReader(new MemoryStream(log), 0, 0), 0);
        while (reader.TryRead(out ReadOnlySpan<byte> line, out _))
        {
            if (parser.Parse(line, out _, out _) == LineKind.Run) runs++;
        }

        return runs;
    }

    private static int Split(byte[] log)
    {
        using var reader = new StreamReader(new MemoryStream(log));
        int rows = 0;
        while (reader.ReadLine() is { } line)
        {
            if (line.Split('|').Length == 14) rows++;
        }

        return rows;
    }

    // What one writes first: the same times and TRES, by what the framework has for it, and no contradiction checked.
    private static int Naive(byte[] log)
    {
        using var reader = new StreamReader(new MemoryStream(log));
        string[] names = GeneratedLog.Header.Split('|');
        int[] times = [Array.IndexOf(names, "Submit"), Array.IndexOf(names, "Start"), Array.IndexOf(names, "End")];
        int tresAt = Array.IndexOf(names, "AllocTRES");
        int rows = 0;
        while (reader.ReadLine() is { } line)
        {
            string[] fields = line.Split('|');
            foreach (int time in times) _ = DateTime.Parse(fields[time], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
            Dictionary<string, string> tres = fields[tresAt].Split(',').Select(part => part.Split('=')).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
            if (tres.ContainsKey("cpu")) rows++;
        }

        return rows;
    }

    private static int Csv(byte[] log)
    {
        using CsvReader reader = CsvReader.Create(new MemoryStream(log), new CsvReaderOptions { Separator = '|', Mode = CsvMode.NoEscape, HasHeader = false }, leaveOpen: false);
        int rows = 0;
        while (reader.Read())
        {
            for (int field = 0; field < reader.FieldCount; field++) _ = reader.GetString(field);
            if (reader.FieldCount == 14) rows++;
        }

        return rows;
    }

    private static string Text(double number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
