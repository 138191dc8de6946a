using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage.Slurm;

/// <summary>What runs made use of, by their steps; and that it changes nothing else.</summary>
public sealed class StepsTests
{
    private const string Header = "JobIDRaw|Cluster|Partition|QOS|Account|User|Submit|Start|End|ElapsedRaw|State|AllocTRES|TotalCPU|MaxRSS|NTasks|TRESUsageInTot\n";

    // Its parent's line has a bar in its command: its steps stand in the log without it.
    private static readonly string[] WithoutParent = ["hpctest/15/", "hpctest/16/"];

    [Fact]
    public async Task A_real_cluster_tells_the_same_use_by_both_sources()
    {
        Fixture.Answer rest = await Fixture.ReadAsync(Fixture.Bytes("recorded/steps-v0.0.38.json"), version: 38);
        IReadOnlyList<MeasuredRun> sacct = Fixture.MeasureSacct(Encoding.UTF8.GetString(Fixture.Bytes("recorded/steps-sacct.txt")));

        Assert.Empty(rest.Quarantined);
        Assert.Equal(57, rest.Runs.Count);
        Assert.True(sacct.Count > 40, $"{sacct.Count} runs are measured");
        Assert.DoesNotContain(sacct, run => WithoutParent.Any(key => run.JobKey.StartsWith(key, StringComparison.Ordinal)));
        var byKey = rest.Measured.ToDictionary(run => run.JobKey, StringComparer.Ordinal);
        foreach (MeasuredRun run in sacct)
        {
            // sacct prints whole milliseconds of each, and KiB.
            UsedResources used = byKey[run.JobKey].Used;
            Assert.InRange(run.Used.CpuMilliseconds!.Value, used.CpuMilliseconds!.Value - 6, used.CpuMilliseconds!.Value);
            Assert.Equal(used.MemoryBytes, run.Used.MemoryBytes);
            Assert.Equal(byKey[run.JobKey].EndedAt, run.EndedAt);
        }
    }

    [Fact]
    public async Task Cpu_time_is_that_of_all_steps_and_memory_that_of_the_largest_over_its_tasks()
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.Bytes("recorded/steps-v0.0.38.json"), version: 38);

        // A script of 10.9 MB beside a step of eight tasks: each at most 1 445 888 bytes, all together 10 952 704.
        Assert.Equal(new UsedResources(30, 10_956_800), Of(answer, 8));
        Assert.Equal(new UsedResources(72, 20_533_248), Of(answer, 31));
        // Ended before memory was looked at.
        Assert.Equal(new UsedResources(1, null), Of(answer, 10));
        // Nobody measured them: cancelled before it began; its node lost; still running.
        Assert.DoesNotContain(answer.Measured, run => run.JobKey.Split('/')[1] is "39" or "53" or "54");
    }

    [Theory]
    [InlineData("53639", "20533248")]
    [InlineData("\"53639\"", "\"20533248\"")]
    [InlineData("""{"set": true, "infinite": false, "number": 53639}""", """{"set": true, "infinite": false, "number": 20533248}""")]
    public async Task Every_shape_of_a_number_is_that_number(string microseconds, string bytes) => Assert.Equal(
        new UsedResources(2053, 20_533_248),
        await OneAsync($"[{StepOf(Span("2", microseconds), bytes)}]"));

    [Theory]
    [InlineData("null")]
    [InlineData("4294967294")]
    [InlineData("18446744073709551614")]
    [InlineData("""{"set": false, "infinite": false, "number": 0}""")]
    [InlineData("-1")]
    [InlineData("\"many\"")]
    [InlineData("99999999999999999999999")]
    public async Task What_is_not_set_or_no_number_is_unknown_and_never_zero(string nothing)
    {
        string step = StepOf(Span(nothing, "0"), nothing);
        string known = StepOf(Span("1", "0"), "4096");

        Assert.Null(await OneAsync($"[{step}]"));
        // Of one step it is not known: the sum is not, either. The largest of those that are known is one.
        Assert.Equal(new UsedResources(null, 4096), await OneAsync($"[{known}, {step}]"));
    }

    [Theory]
    [InlineData("""{"user": {"seconds": 2, "microseconds": 5000}, "system": {"seconds": 1, "microseconds": 0}}""", 3005L)]
    [InlineData("""{"user": {"seconds": 2, "microseconds": 5000}}""", null)]
    [InlineData("""{"total": {"seconds": 0, "microseconds": 0}}""", 0L)]
    [InlineData("""{"total": {"seconds": 0}}""", null)]
    [InlineData("{}", null)]
    public async Task Cpu_time_is_the_total_or_user_and_system_together(string time, long? milliseconds) => Assert.Equal(
        new UsedResources(milliseconds, 8192), await OneAsync($"[{StepOf(time, "4096", "max", "2")}]"));

    [Theory]
    [InlineData("\"none\"")]
    [InlineData("null")]
    [InlineData("[null, 7, \"step\", []]")]
    [InlineData("""[{"time": 5, "tres": [], "tasks": null}]""")]
    [InlineData("""[{"tasks": {"count": 9223372036854775807}, "tres": {"requested": {"max": [{"type": "mem", "count": 9223372036854775807}]}}}]""")]
    [InlineData("""[{"tres": {"requested": {"max": [{"type": 5, "count": 1}, {"count": 1}, 7]}}}]""")]
    public async Task Whatever_stands_for_steps_the_run_is_charged_the_same(string steps)
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.AnswerOf(With(steps)));

        Assert.Equal((await Fixture.ReadAsync(Fixture.AnswerOf(Fixture.Record()))).Runs, answer.Runs);
        Assert.Empty(answer.Measured);
        Assert.Empty(answer.Quarantined);
    }

    [Fact]
    public void Any_steps_at_all_leave_every_run_as_it_is_charged() => Prop.ForAll(Noise().ListOf().ToArbitrary(), async steps =>
    {
        JobRun expected = (await Fixture.ReadAsync(Fixture.AnswerOf(Fixture.Record()))).Runs.Single();
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.AnswerOf(With($"[{string.Join(',', steps)}]")));
        return answer.Quarantined.Count == 0 && answer.Runs.Single() == expected
            && answer.Measured.All(run => run.Used is { CpuMilliseconds: null or >= 0, MemoryBytes: null or > 0 });
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Columns_of_use_and_lines_of_steps_leave_every_run_of_a_log_as_it_is_charged() => Prop.ForAll(Texts().Four().ListOf().ToArbitrary(), lines =>
    {
        var parser = new SacctLineParser(Layout(Header));
        var plain = new SacctLineParser(Layout(Header[..Header.IndexOf("|TotalCPU", StringComparison.Ordinal)]));
        var steps = new StepLines(parser);
        return lines.Select((cells, index) => (cells, index)).All(line =>
        {
            (string cpu, string memory, string tasks, string total) = line.cells;
            string run = Job(line.index + 1, cpu, memory, tasks, total);
            bool isRun = Parse(parser, steps, run, out JobRun with) == LineKind.Run & Parse(parser, steps, Step(line.index + 1, "0", cpu, memory, tasks, total), out _) == LineKind.Step;
            return isRun && plain.Parse(Encoding.UTF8.GetBytes(string.Join('|', run.Split('|')[..12])), out JobRun without, out _) == LineKind.Run && with == without;
        });
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("00:00.003", 3_000L)]
    [InlineData("01:02.871", 62_871_000L)]
    [InlineData("00:00:00", 0L)]
    [InlineData("01:02:03", 3_723_000_000L)]
    [InlineData("10-13:27:06", 912_426_000_000L)]
    [InlineData("00:00.000001", 1L)]
    [InlineData("", null)]
    [InlineData("7", null)]
    [InlineData("1-00:00", null)]
    [InlineData("1:2:3:4", null)]
    [InlineData("-1:00", null)]
    [InlineData("00:00.", 0L)]
    [InlineData("00:00.0000001", null)]
    [InlineData("99999999999-00:00:00", null)]
    public void Cpu_time_is_read_as_sacct_writes_it(string text, long? microseconds) => Assert.Equal(microseconds, UsedText.CpuMicroseconds(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("2977792", 2_977_792L)]
    [InlineData("2908K", 2_977_792L)]
    [InlineData("2.50M", 2_621_440L)]
    [InlineData("1G", 1_073_741_824L)]
    [InlineData("0", 0L)]
    [InlineData("", null)]
    [InlineData("K", null)]
    [InlineData("-1", null)]
    [InlineData("1e3", null)]
    [InlineData("18446744073709551614", null)]
    [InlineData("16777216P", null)]
    public void Memory_is_bytes_unless_it_says_otherwise(string text, long? bytes) => Assert.Equal(bytes, UsedText.MemoryBytes(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Steps_count_for_the_run_that_they_follow()
    {
        string log = Header + Job(1, "00:05.000") + Step(1, "batch", "00:01.000", "1000K", "1") + Step(1, "0", "00:04.000", "600K", "2") + Job(2, "00:02.000") + Step(2, "batch", "00:02.000", "10K", "1");

        Assert.Equal([new UsedResources(5000, 1_228_800), new UsedResources(2000, 10_240)], Fixture.MeasureSacct(log).Select(run => run.Used));
    }

    [Fact]
    public void Of_a_log_that_is_cut_between_a_run_and_its_steps_no_part_says_what_it_cannot_know()
    {
        string[] lines = [Job(1, ""), Step(1, "batch", "00:01.000", "1000K", "1"), Step(1, "0", "00:04.000", "600K", "2"), Job(2, ""), Step(2, "batch", "00:02.000", "10K", "1"), Job(3, "")];
        var whole = new Dictionary<string, UsedResources>(StringComparer.Ordinal) { [Key(1)] = new(5000, 1_228_800), [Key(2)] = new(2000, 10_240) };
        for (int cut = 0; cut <= lines.Length; cut++)
        {
            MeasuredRun[] told = [.. Fixture.MeasureSacct(Header + string.Concat(lines[..cut]), isWhole: false), .. Fixture.MeasureSacct(Header + string.Concat(lines[cut..]), isWhole: false)];
            Assert.All(told, run => Assert.Equal(whole[run.JobKey], run.Used));
        }

        Assert.Equal(2, Fixture.MeasureSacct(Header + string.Concat(lines), isWhole: false).Count);
    }

    [Fact]
    public void The_runs_own_total_proves_that_its_steps_are_all_there_and_holds_without_them()
    {
        string run = Job(1, "00:05.000");
        string batch = Step(1, "batch", "00:01.000", "1000K", "1");
        string last = Step(1, "0", "00:04.000", "600K", "2");

        Assert.Equal(new UsedResources(5000, 1_228_800), Measure(run + batch + last, isWhole: false));
        Assert.Equal(new UsedResources(5000, null), Measure(run + batch, isWhole: false));
        Assert.Equal(new UsedResources(5000, null), Measure(run + batch, isWhole: true));
        Assert.Equal(new UsedResources(5000, null), Measure(run, isWhole: false));
    }

    [Theory]
    [InlineData("00:00:00", "", "", "", null, null)] // sacct --allocations, or a cluster that measures nothing
    [InlineData("", "", "", "", null, null)]
    [InlineData("00:00:00", "100K", "1", "", null, 102_400L)] // nobody added anything up
    [InlineData("00:01.000", "100K", "", "", 1000L, null)] // how many tasks had that much?
    [InlineData("00:01.000", "100K", "4", "", 1000L, 409_600L)]
    [InlineData("00:01.000", "100K", "4", "cpu=00:00:01,mem=350K", 1000L, 358_400L)]
    public void A_run_may_tell_its_use_by_itself(string cpu, string memory, string tasks, string total, long? milliseconds, long? bytes)
    {
        UsedResources? used = Measure(Job(1, cpu, memory, tasks, total), isWhole: false);

        Assert.Equal(milliseconds is null && bytes is null ? null : new UsedResources(milliseconds, bytes), used);
    }

    [Fact]
    public void A_step_of_an_unknown_number_of_tasks_leaves_the_memory_unknown()
    {
        Assert.Equal(new UsedResources(1000, null), Measure(Job(1, "00:01.000") + Step(1, "0", "00:01.000", "100K", ""), isWhole: true));
        // The script is one task, whoever says so or not; and so is all that runs on one CPU.
        Assert.Equal(new UsedResources(1000, 102_400), Measure(Job(1, "00:01.000") + Step(1, "batch", "00:01.000", "100K", ""), isWhole: true));
        Assert.Equal(new UsedResources(1000, 102_400), Measure(Job(1, "00:01.000", cpus: 1) + Step(1, "0", "00:01.000", "100K", ""), isWhole: true));
    }

    [Fact]
    public void Nothing_is_told_of_a_run_that_goes_on()
    {
        string running = Job(1, "00:01.000").Replace(End(1), "Unknown", StringComparison.Ordinal).Replace("COMPLETED", "RUNNING", StringComparison.Ordinal);

        Assert.Null(Measure(running + Step(1, "0", "00:01.000", "100K", "1"), isWhole: true));
    }

    [Fact]
    public void A_line_that_cannot_be_read_may_have_been_a_step()
    {
        string log = Header + Job(1, "") + Step(1, "batch", "00:01.000", "1000K", "1") + "1.0|cut\n" + Job(2, "") + Step(2, "batch", "00:02.000", "10K", "1") + Job(3, "");

        Assert.Equal([Key(2)], Fixture.MeasureSacct(log).Select(run => run.JobKey));
    }

    [Fact]
    public void Columns_of_use_are_optional_may_come_twice_and_stay_out_of_quarantine()
    {
        SacctLayout layout = Layout(Header.TrimEnd() + "|MaxRSS\n");

        Assert.True(layout.TellsUse);
        Assert.False(Layout(Header[..Header.IndexOf("|TotalCPU", StringComparison.Ordinal)]).TellsUse);
        Assert.Equal("x|hpctest|||||||||||*|*|*|*|*", QuarantineText.Of("x|hpctest|||||||||||1:00|5K|1||5K"u8, layout, isWhole: true));
    }

    private static UsedResources? Measure(string lines, bool isWhole) =>
        Fixture.MeasureSacct(Header + lines, isWhole) switch { [var one] => one.Used, [] => null, _ => throw new InvalidOperationException("More than one run.") };

    private static string Key(long id) => $"hpctest/{id}/{1_767_225_600 + id}/{1_767_225_600 + id}";

    private static string End(long id) => (1_767_225_700 + id).ToString(CultureInfo.InvariantCulture);

    private static string Job(long id, string cpu, string memory = "", string tasks = "", string total = "", int cpus = 8) =>
        $"{id}|hpctest|cpu|normal|physics|alice|{1_767_225_600 + id}|{1_767_225_600 + id}|{End(id)}|100|COMPLETED|cpu={cpus},mem=1G|{cpu}|{memory}|{tasks}|{total}\n";

    private static string Step(long id, string step, string cpu, string memory, string tasks, string total = "") =>
        $"{id}.{step}|hpctest|||physics||{1_767_225_600 + id}|{1_767_225_600 + id}|{End(id)}|100|COMPLETED|cpu=8,mem=1G|{cpu}|{memory}|{tasks}|{total}\n";

    private static LineKind Parse(SacctLineParser parser, StepLines steps, string text, out JobRun run)
    {
        byte[] line = Encoding.UTF8.GetBytes(text.TrimEnd('\n'));
        LineKind kind = parser.Parse(line, out run, out _);
        steps.Read(line, kind, run);
        return kind;
    }

    private static SacctLayout Layout(string header)
    {
        Assert.True(SacctLayout.TryCreate(header.TrimEnd().Split('|'), null, out SacctLayout layout, out string problem), problem);
        return layout;
    }

    private static UsedResources Of(Fixture.Answer answer, long job) => answer.Measured.Single(run => run.JobKey.StartsWith($"hpctest/{job}/", StringComparison.Ordinal)).Used;

    private static string With(string steps)
    {
        JsonObject record = JsonNode.Parse(Fixture.Record())!.AsObject();
        record["steps"] = JsonNode.Parse(steps);
        return record.ToJsonString();
    }

    private static async Task<UsedResources?> OneAsync(string steps)
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.AnswerOf(With(steps)));
        return answer.Measured switch { [var one] => one.Used, [] => null, _ => throw new InvalidOperationException("More than one run.") };
    }

    private static string Span(string seconds, string microseconds) => $$$"""{"total": {"seconds": {{{seconds}}}, "microseconds": {{{microseconds}}} } }""";

    private static string StepOf(string time, string bytes, string list = "total", string tasks = "1") => $$$"""
        {"time": {{{time}}}, "tasks": {"count": {{{tasks}}} }, "tres": {"requested": {"{{{list}}}": [{"type": "cpu", "count": 1}, {"type": "mem", "count": {{{bytes}}} }] } } }
        """;

    // Steps of every kind of nonsense, and now and then one that is well.
    private static Gen<string> Noise() =>
        from seconds in Figure()
        from microseconds in Figure()
        from bytes in Figure()
        from tasks in Figure()
        from list in Gen.Elements("total", "max")
        select StepOf(Span(seconds, microseconds), bytes, list, tasks);

    private static Gen<string> Figure() => Gen.Elements(
        "0", "1", "53639", "4294967294", "4294967295", "18446744073709551614", "9223372036854775807", "-7", "1.5", "null", "\"x\"", "\"Infinity\"", "[]", "{}", "true",
        """{"set": false, "number": 3}""", """{"set": true, "infinite": false, "number": 8192}""");

    private static Gen<string> Texts() => Gen.Elements("", "0", "00:00:00", "00:01.000", "9-99:99:99", "x", "-1", "4", "2908K", "99999P", "mem=5K", "cpu=1,mem=x", "18446744073709551614");
}
