using System.Text;
using System.Text.Json;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Domain.Tests.Usage.Slurm;

/// <summary>The same runs, asked for by REST and by sacct.</summary>
public sealed class RecordedAnswerTests
{
    // Its name holds a bar, and this recording of sacct asked for names.
    private const long JobWithBarInItsName = 27;

    private static readonly IReadOnlyList<JobRun> OfSacct = Fixture.ReadSacct("recorded/sacct.txt");

    [Theory]
    [InlineData(37)]
    [InlineData(38)]
    public async Task Both_sources_tell_the_same_runs_to_the_second_and_the_resource(int version)
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.Bytes($"recorded/slurmdb-v0.0.{version}.json"), version: version);

        Assert.Empty(answer.Quarantined);
        Assert.Empty(answer.Errors);
        Assert.Equal(57, answer.Runs.Count);
        Assert.Equal(54, answer.Runs.Count(run => run is { EndedAt: not null, RawJobId: not JobWithBarInItsName }));
        Assert.Equal(Ended(OfSacct), Ended(answer.Runs));
        // A running job goes on between two questions; all else about it is the same. Version 37 does not say when it started.
        if (version > 37) Assert.Equal(Running(OfSacct), Running(answer.Runs));
        Assert.Equal(version > 37 ? 1 : 2, answer.Runs.Count(run => run.IsWaiting));
        Assert.All(OfSacct.Where(run => run.IsWaiting), run => Assert.Contains(answer.Runs, same => same.JobKey == run.JobKey));
    }

    [Theory]
    [InlineData("hand-made/slurmdb-v0.0.39.json")]
    [InlineData("hand-made/slurmdb-v0.0.42.json")]
    [InlineData("hand-made/slurmdb-v0.0.46.json")]
    public async Task Later_shapes_say_the_same(string file)
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.Bytes(file));

        Assert.Empty(answer.Quarantined);
        Assert.Equal(12, answer.Runs.Count);
        var keys = answer.Runs.Select(run => run.JobKey).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(12, keys.Count);
        JobRun[] same = [.. OfSacct.Where(run => keys.Contains(run.JobKey))];
        Assert.Equal(Ended(same), Ended(answer.Runs.Select(run => run with { Sluid = null })));
        Assert.Equal(Running(same), Running(answer.Runs.Select(run => run with { Sluid = null })));
        Assert.Equal(1, answer.Runs.Count(run => run.IsWaiting));
        Assert.All(answer.Runs, run => Assert.Equal(file.Contains("v0.0.46", StringComparison.Ordinal), run.Sluid is not null));
    }

    [Fact]
    public async Task Any_mix_of_the_shapes_that_versions_give_to_the_same_facts_is_the_same_runs()
    {
        byte[] recorded = Fixture.Bytes("recorded/slurmdb-v0.0.38.json");
        IReadOnlyList<JobRun> runs = (await Fixture.ReadAsync(recorded)).Runs;

        for (int seed = 0; seed < 100; seed++)
        {
            Fixture.Answer mixed = await Fixture.ReadAsync(new AnyShapes(seed).Of(Encoding.UTF8.GetString(recorded)));
            Assert.Empty(mixed.Quarantined);
            Assert.Equal(runs, mixed.Runs);
        }
    }

    [Fact]
    public async Task A_resized_run_is_charged_from_the_resize_and_a_suspended_one_without_its_pause()
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.Bytes("recorded/slurmdb-v0.0.38.json"));

        Assert.Equal([("RESIZING", 2L), ("COMPLETED", 4L)], answer.Runs.Where(run => run.RawJobId == 52).OrderBy(run => run.SubmittedAt).Select(run => (run.State, run.ChargedSeconds)));
        Assert.Equal([("REQUEUED", 3L), ("COMPLETED", 1L)], answer.Runs.Where(run => run.RawJobId == 49).OrderBy(run => run.SubmittedAt).Select(run => (run.State, run.ChargedSeconds)));
        Assert.Equal(1, answer.Runs.Single(run => run.RawJobId == 48).ChargedSeconds);
        Assert.Equal(["29_5", "33+0", "33+1"], answer.Runs.Where(run => run.RawJobId is 29 or 33 or 34).OrderBy(run => run.RawJobId).Select(run => run.JobId));
        JobRun twoTypes = answer.Runs.Single(run => run.RawJobId == 22);
        Assert.Equal((2L, "a100=1,v100=1"), (twoTypes.Tres.Gpus, twoTypes.Tres.GpusByType));
    }

    [Theory]
    [InlineData("recorded/error-bad-token.json", 1007L, "Protocol authentication error")]
    [InlineData("recorded/error-time-with-z.json", 9000L, "Unable to parse time format")]
    [InlineData("recorded/error-unknown-field.json", 9000L, "Unknown Query field")]
    public async Task An_answer_with_errors_says_them_whatever_its_status(string file, long number, string words)
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.Bytes(file));

        Assert.Empty(answer.Runs);
        var error = Assert.Single(answer.Errors);
        Assert.Equal((number, false), (error.Number, error.IsNothingFound));
        Assert.Contains(words, error.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 1000)]
    [InlineData(57, 65_536)]
    [InlineData(1000, 4096)]
    public async Task However_the_network_cuts_it_and_however_small_the_chunks_the_answer_is_the_same(int recordsMax, int bytesAtOnce)
    {
        byte[] json = Fixture.Bytes("recorded/slurmdb-v0.0.38.json");

        Assert.Equal((await Fixture.ReadAsync(json)).Runs, (await Fixture.ReadAsync(json, recordsMax, bytesAtOnce)).Runs);
    }

    [Fact]
    public async Task An_answer_that_is_cut_off_is_never_taken_for_a_whole_one()
    {
        byte[] json = Fixture.Bytes("hand-made/slurmdb-v0.0.46.json").AsSpan().TrimEnd((byte)'\n').ToArray();

        for (int length = 0; length < json.Length; length += 97)
            await Assert.ThrowsAnyAsync<JsonException>(() => Fixture.ReadAsync(json[..length]));
        await Assert.ThrowsAnyAsync<JsonException>(() => Fixture.ReadAsync(json[..^1]));
    }

    private static IEnumerable<JobRun> Ended(IEnumerable<JobRun> runs) => runs
        .Where(run => run is { EndedAt: not null, RawJobId: not JobWithBarInItsName })
        .OrderBy(run => run.JobKey, StringComparer.Ordinal);

    private static IEnumerable<JobRun> Running(IEnumerable<JobRun> runs) =>
        runs.Where(run => run is { StartedAt: not null, EndedAt: null }).Select(run => run with { ChargedSeconds = 0 });
}
