using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using HpcBilling.Usage;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.RecordingUsage;
using Microsoft.Extensions.Options;

namespace HpcBilling.Benchmarks;

/// <summary>
/// The import as the service's worker runs it, beside psql's bare <c>\copy</c> of the same normalised rows into an empty table with the same
/// columns, constraints and indexes, in the same run on the same server.
/// </summary>
internal static class Importing
{
    public const string OneWord = "import-one";

    private const int Rounds = 3;
    private const int RowsOfOneRound = 10_000_000; // minutes long: what disturbs it for a moment does not show
    private const long HeapBytesMax = 128L * 1024 * 1024;

    public static async Task<int> RunAllAsync(int[] sizes)
    {
        await using BenchmarkServer server = await BenchmarkServer.StartAsync();
        var rows = new List<string[]>();
        foreach (int size in sizes)
        {
            // A process of its own for each size: its peak memory is the import's. An import whose memory grew with its rows would die of the limit.
            using Process one = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [OneWord, size.ToString(CultureInfo.InvariantCulture), server.Administrator])
            {
                RedirectStandardOutput = true,
                Environment = { ["DOTNET_GCHeapHardLimit"] = HeapBytesMax.ToString("X", CultureInfo.InvariantCulture) },
            })!;
            string answer = await one.StandardOutput.ReadToEndAsync();
            await one.WaitForExitAsync();
            if (one.ExitCode != 0) return one.ExitCode;
            Figures figures = JsonSerializer.Deserialize<Figures>(answer)!;
            rows.Add(
            [
                Text(size, "N0"), Text(figures.ImportSeconds, "N2"), Text(figures.CopySeconds, "N2"), Text(figures.ImportSeconds / figures.CopySeconds, "N2"),
                Text(size / figures.ImportSeconds, "N0"), Text(figures.AgainSeconds, "N2"), Text(figures.PeakMebibytes, "N0"),
            ]);
        }

        Table.Print(["rows", "import s", @"\copy s", "ratio", "rows/s", "again s", "peak MiB"], rows);
        return 0;
    }

    /// <summary>One size: the fastest of a few rounds of each, turn by turn, so that both meet the same machine; of the largest a single round.</summary>
    public static async Task<int> RunOneAsync(int rows, string administrator)
    {
        string folder = Directory.CreateTempSubdirectory("hpcb-bench-").FullName;
        try
        {
            string log = Path.Combine(folder, "log");
            GeneratedLog.Write(log, rows);
            await using BenchmarkDatabase database = await BenchmarkDatabase.CreateAsync(administrator);
            var figures = new Figures(double.MaxValue, double.MaxValue, double.MaxValue, 0);
            for (int round = 0; round < (rows < RowsOfOneRound ? Rounds : 1); round++)
            {
                await database.ExecuteAsync("TRUNCATE runs, jobs, quarantine, outbox CASCADE");
                double import = await ImportAsync(database, log, folder, rows, isKnown: false);
                double again = await ImportAsync(database, log, folder, rows, isKnown: true);
                double copy = await database.CopyAsync(Path.Combine(folder, "rows"));
                figures = new Figures(Math.Min(figures.ImportSeconds, import), Math.Min(figures.CopySeconds, copy), Math.Min(figures.AgainSeconds, again), 0);
            }

            Console.WriteLine(JsonSerializer.Serialize(figures with { PeakMebibytes = Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0 }));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> ImportAsync(BenchmarkDatabase database, string log, string folder, int rows, bool isKnown)
    {
        IOptions<UsageOptions> options = Options.Create(new UsageOptions { SpoolPath = Path.Combine(folder, "spool") });
        var spool = new Spool(options);
        var ledger = new JobLedger(database.Serving, options, TimeProvider.System);
        var handler = new ImportHandler(database.Serving, new RunImport(database.Serving, spool, options), spool);
        Guid id = await database.AnnounceAsync(new FileInfo(log).Length);
        await using (FileStream upload = spool.OpenWrite(id))
        {
            await using FileStream source = File.OpenRead(log);
            await source.CopyToAsync(upload);
        }

        long began = Stopwatch.GetTimestamp();
        Job job = await ledger.ClaimAsync(handler.Type, handler.FirstStage, CancellationToken.None) ?? throw new InvalidOperationException("There is no import to claim.");
        JobOutcome outcome = await handler.RunAsync(new JobContext(job, ledger), CancellationToken.None);
        if (outcome is JobOutcome.Failed failed) throw new InvalidOperationException(failed.Error);
        await ledger.FinishAsync(job, outcome, handler.DescribeAsync, CancellationToken.None);
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;

        spool.Delete(id);
        long counted = await database.CountAsync(isKnown ? "known" : "stored", id);
        return counted == rows ? seconds : throw new InvalidOperationException($"{counted} of {rows} rows were imported.");
    }

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);

    private sealed record Figures(double ImportSeconds, double CopySeconds, double AgainSeconds, double PeakMebibytes);
}
