using System.Text;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage.Slurm;

/// <summary>What clusters answered; see the README beside the files.</summary>
internal static class Fixture
{
    public const string Cluster = "hpctest";

    private static readonly string Folder = Path.Combine(FindRoot(), "tests/Domain.Tests/Usage/Slurm");

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(Folder, name));

    /// <summary>A log that a real cluster wrote.</summary>
    public static byte[] SampleLog() => File.ReadAllBytes(Path.Combine(FindRoot(), "samples/sacct-demo.psv"));

    /// <summary>Reads an answer as a poll does.</summary>
    /// <param name="json">The body.</param>
    /// <param name="recordsMax">Records of a chunk.</param>
    /// <param name="bytesAtOnce">What the network hands out at once.</param>
    /// <param name="version">Data version that was asked for.</param>
    public static async Task<Answer> ReadAsync(byte[] json, int recordsMax = 1000, int bytesAtOnce = int.MaxValue, int version = DataVersion.Newest)
    {
        using var answer = new JobsAnswer(new Trickle(json, bytesAtOnce), new JobRecordParser(Cluster, new DataVersion(version)));
        var runs = new List<JobRun>();
        var quarantined = new List<QuarantinedRecord>();
        var measured = new List<MeasuredRun>();
        while (true)
        {
            var chunk = new RecordChunk(recordsMax);
            if (!await answer.ReadAsync(chunk, CancellationToken.None)) return new Answer(runs, quarantined, answer.Errors, measured);
            Assert.InRange(chunk.Count, 1, recordsMax);
            runs.AddRange(chunk.Runs);
            quarantined.AddRange(chunk.Quarantined);
            measured.AddRange(chunk.Measured);
        }
    }

    public static Task<Answer> ReadAsync(string json) => ReadAsync(Encoding.UTF8.GetBytes(json));

    public static IReadOnlyList<JobRun> ReadSacct(string name)
    {
        byte[] log = Bytes(name);
        SacctLayout layout = Assert.IsType<SacctHeader.Understood>(SacctHeader.Read(new MemoryStream(log), null, null)).Layout;
        var parser = new SacctLineParser(layout);
        var runs = new List<JobRun>();
        foreach (string line in Encoding.UTF8.GetString(log).Split('\n').Skip(1).Where(line => line.Length > 0))
        {
            if (parser.Parse(Encoding.UTF8.GetBytes(line), out JobRun run, out _) == LineKind.Run) runs.Add(run);
        }

        return runs;
    }

    /// <summary>Reads what a log of sacct tells of the use of its runs.</summary>
    public static IReadOnlyList<MeasuredRun> MeasureSacct(string log, bool isWhole = true, string? fields = null)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(log);
        SacctLayout layout = Assert.IsType<SacctHeader.Understood>(SacctHeader.Read(new MemoryStream(bytes), fields, null)).Layout;
        var parser = new SacctLineParser(layout);
        var steps = new StepLines(parser);
        var measured = new List<MeasuredRun>();
        foreach (string text in log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(fields is null ? 1 : 0))
        {
            byte[] line = Encoding.UTF8.GetBytes(text);
            if (steps.Read(line, parser.Parse(line, out JobRun run, out _), run) is { } before) measured.Add(before);
        }

        if (steps.Close(isWhole) is { } last) measured.Add(last);
        return measured;
    }

    /// <summary>One record with whatever a test wants to say in it.</summary>
    public static string Record(string changes = "{}")
    {
        var record = System.Text.Json.Nodes.JsonNode.Parse("""
            {
              "job_id": 7, "cluster": "hpctest", "user": "alice", "account": "physics", "partition": "gpu", "qos": "normal", "name": "secret name",
              "submit_line": "sbatch --secret", "array": {"job_id": 0, "task_id": null, "task": null}, "het": {"job_id": 0, "job_offset": null},
              "association": {"account": "physics", "cluster": "hpctest", "partition": null, "user": "alice"},
              "state": {"current": "COMPLETED", "reason": "None"},
              "time": {"submission": 1767225600, "start": 1767225610, "end": 1767229210, "elapsed": 3600, "suspended": 0},
              "tres": {"allocated": [{"type": "cpu", "name": null, "id": 1, "count": 8}, {"type": "mem", "name": null, "id": 2, "count": 16384},
                {"type": "node", "name": null, "id": 4, "count": 1}, {"type": "gres", "name": "gpu", "id": 1001, "count": 2}]}
            }
            """)!.AsObject();
        foreach (var (name, value) in System.Text.Json.Nodes.JsonNode.Parse(changes)!.AsObject())
        {
            string[] path = name.Split('.');
            var parent = path.Length == 1 ? record : record[path[0]]!.AsObject();
            parent[path[^1]] = value?.DeepClone();
        }

        return record.ToJsonString();
    }

    public static string AnswerOf(params string[] records) => $$"""{"meta": {}, "errors": [], "jobs": [{{string.Join(",", records)}}]}""";

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "HpcBilling.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("HpcBilling.sln is in no folder above the tests.");
    }

    internal sealed record Answer(IReadOnlyList<JobRun> Runs, IReadOnlyList<QuarantinedRecord> Quarantined, IReadOnlyList<RestError> Errors, IReadOnlyList<MeasuredRun> Measured);

    private sealed class Trickle(byte[] bytes, int atOnce) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, atOnce)], cancellationToken);
    }
}
