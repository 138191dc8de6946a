using System.Text;
using System.Text.Json;
using HpcBilling.Domain.Tests.Usage.Slurm;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage;

/// <summary>
/// A million damaged lines and a million damaged documents, the same ones each time: none throws, and each is a run, a step, or refused with a reason.
/// The properties of <see cref="DemoLogTests"/> and <see cref="JobRecordTests"/> find the smallest of what these would find.
/// </summary>
public sealed class MutationTests
{
    private const int Mutations = 1_000_000;
    private const int Parts = 20;
    private const int RecordsMax = 64;

    [Fact]
    public void A_million_damaged_lines_end_as_run_step_or_refused()
    {
        byte[] log = Fixture.SampleLog();
        byte[][] lines = [.. Encoding.UTF8.GetString(log).Split('\n').Skip(1).Where(line => line.Length > 0).Select(Encoding.UTF8.GetBytes)];
        SacctLayout layout = Assert.IsType<SacctHeader.Understood>(SacctHeader.Read(new MemoryStream(log), null, null)).Layout;
        long[] counts = InParts(part =>
        {
            var random = new Random(part);
            var parser = new SacctLineParser(layout);
            var counted = new long[3];
            for (int i = 0; i < Mutations / Parts; i++)
            {
                ReadOnlySpan<byte> line = Damage(lines[random.Next(lines.Length)], random, "|=,-:.0T"u8);
                LineKind kind = parser.Parse(line, out JobRun run, out LineProblem? problem);
                bool isWhole = kind switch
                {
                    LineKind.Run => problem is null && run.ChargedSeconds >= 0 && run.Tres.Cpus >= 0 && run.Username.Length > 0,
                    LineKind.Step => problem is null,
                    _ => problem is { Reason.Length: > 0 },
                };
                if (!isWhole) Assert.Fail($"{kind} {problem?.Reason}: {Encoding.Latin1.GetString(line)}");
                counted[(int)kind]++;
            }

            return counted;
        });
        Assert.Equal(Mutations, counts.Sum());
        Assert.All(counts, count => Assert.True(count > 0));
    }

    [Fact]
    public async Task A_million_damaged_documents_end_as_runs_refused_records_or_no_document()
    {
        byte[] document = Encoding.UTF8.GetBytes(Fixture.AnswerOf(Fixture.Record()));
        long[][] parts = await Task.WhenAll(Enumerable.Range(0, Parts).Select(part => Task.Run(async () =>
        {
            var random = new Random(part);
            var parser = new JobRecordParser(Fixture.Cluster, new DataVersion(DataVersion.Newest));
            var counted = new long[4];
            for (int i = 0; i < Mutations / Parts; i++)
            {
                byte[] damaged = Damage(document, random, "0123456789\"{}[],:-"u8).ToArray();
                try
                {
                    using var answer = new JobsAnswer(new MemoryStream(damaged), parser);
                    RecordChunk chunk = await ReadAsync(answer);
                    if (chunk.Runs.Any(run => run.ChargedSeconds < 0 || run.Username.Length == 0) || chunk.Quarantined.Any(record => record.Problem.Reason.Length == 0))
                        Assert.Fail(Encoding.Latin1.GetString(damaged));
                    counted[chunk.Runs.Count > 0 ? 0 : chunk.Quarantined.Count > 0 ? 1 : 2]++;
                }
                catch (JsonException)
                {
                    counted[3]++;
                }
            }

            return counted;
        })));
        long[] counts = Sum(parts);
        Assert.Equal(Mutations, counts.Sum());
        Assert.True(counts[0] > 0 && counts[1] > 0 && counts[3] > 0, string.Join(' ', counts));
    }

    // No damaged document has more records than fit.
    private static async Task<RecordChunk> ReadAsync(JobsAnswer answer)
    {
        var chunk = new RecordChunk(RecordsMax);
        await answer.ReadAsync(chunk, CancellationToken.None);
        Assert.False(chunk.IsFull);
        return chunk;
    }

    private static ReadOnlySpan<byte> Damage(byte[] whole, Random random, ReadOnlySpan<byte> telling)
    {
        byte[] damaged = [.. whole];
        for (int cut = random.Next(5); cut > 0; cut--)
            damaged[random.Next(damaged.Length)] = random.Next(2) == 0 ? telling[random.Next(telling.Length)] : (byte)random.Next(256);
        return random.Next(4) == 0 ? damaged.AsSpan(0, random.Next(damaged.Length)) : damaged;
    }

    private static long[] InParts(Func<int, long[]> work) => Sum(Enumerable.Range(0, Parts).AsParallel().Select(work));

    private static long[] Sum(IEnumerable<long[]> parts) => parts.Aggregate((a, b) => [.. a.Zip(b, (x, y) => x + y)]);
}
