using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Quarantine;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage.Slurm;

/// <summary>What is kept of a record says as much as the record did, or is known not to.</summary>
public sealed class KeptRecordTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentSize = 40 };

    [Theory]
    [InlineData("recorded/slurmdb-v0.0.37.json", 37)]
    [InlineData("recorded/slurmdb-v0.0.38.json", 38)]
    [InlineData("hand-made/slurmdb-v0.0.39.json", 39)]
    [InlineData("hand-made/slurmdb-v0.0.42.json", 42)]
    [InlineData("hand-made/slurmdb-v0.0.46.json", 46)]
    public void A_kept_record_is_read_again_as_the_run_that_it_was(string file, int number)
    {
        var version = new DataVersion(number);
        var form = TextForm.Of(version);
        using var answer = JsonDocument.Parse(Fixture.Bytes(file));
        foreach (JsonElement record in answer.RootElement.GetProperty("jobs").EnumerateArray())
        {
            Assert.True(new JobRecordParser(Fixture.Cluster, version).TryParse(record, out JobRun run, out _));
            string text = RecordText.Of(record);

            Assert.True(form.IsWhole(LineProblem.BadField, text), text);
            Assert.Equal(run, Assert.IsType<KeptRecord.IsRun>(KeptRecord.Read(form, Fixture.Cluster, text)).Run);
        }
    }

    [Fact]
    public void A_kept_line_is_read_again_as_the_run_that_it_was_without_the_columns_that_nobody_needs()
    {
        byte[] log = Fixture.Bytes("recorded/sacct.txt");
        SacctLayout layout = Assert.IsType<SacctHeader.Understood>(SacctHeader.Read(new MemoryStream(log), null, null)).Layout;
        var form = TextForm.Of(layout);
        var parser = new SacctLineParser(layout);
        int runs = 0;
        foreach (string line in Encoding.UTF8.GetString(log).Split('\n').Skip(1).Where(line => line.Length > 0))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(line);
            if (parser.Parse(bytes, out JobRun run, out _) != LineKind.Run) continue;
            string text = QuarantineText.Of(bytes, layout, isWhole: true);

            Assert.True(form.IsWhole(LineProblem.Contradiction, text), text);
            Assert.Equal(run, Assert.IsType<KeptRecord.IsRun>(KeptRecord.Read(form, null, text)).Run);
            Assert.Equal(run.Cluster, TextForm.ClusterOf(layout, text));
            runs++;
        }

        Assert.InRange(runs, 50, int.MaxValue);
    }

    [Fact]
    public void Space_in_a_name_stays_and_space_between_words_does_not()
    {
        string record = JsonNode.Parse(Fixture.Record("""{"user": "a  \"  b", "account": "x\\"}"""))!.ToJsonString(Indented);
        using var parsed = JsonDocument.Parse(record);
        string text = RecordText.Of(parsed.RootElement);

        JobRun run = Assert.IsType<KeptRecord.IsRun>(KeptRecord.Read(TextForm.Of(new DataVersion(40)), Fixture.Cluster, text)).Run;

        Assert.Equal(("a  \"  b", "x\\", 8L), (run.Username, run.Account, run.Tres.Cpus));
    }

    [Theory]
    [InlineData(LineProblem.BadField, "1|2|3…")]
    [InlineData(LineProblem.BadField, "1|a\uFFFDb|3")]
    [InlineData(LineProblem.BadField, "1|2")]
    [InlineData(LineProblem.BadField, "")]
    [InlineData(LineProblem.Truncated, "1|2|3")]
    [InlineData(LineProblem.WrongFieldCount, "1|2|3")]
    [InlineData(LineProblem.LineTooLong, "1|2|3")]
    [InlineData(LineProblem.NotUtf8, "1|2|3")]
    public void What_was_cut_or_altered_is_known_as_such(string code, string text)
    {
        var form = new TextForm(TextForm.Sacct, "JobID|User|State");
        Assert.True(form.IsWhole(LineProblem.BadField, "1|2|3"));
        Assert.False(form.IsWhole(code, text));
    }

    [Theory]
    [InlineData("{\"job_id\": 7, \"time\"")]
    [InlineData("hpctest/7/1/1 sluid=")]
    public void What_is_no_record_any_more_is_refused_with_a_reason(string text) =>
        Assert.NotEmpty(Assert.IsType<KeptRecord.IsNone>(KeptRecord.Read(TextForm.Of(new DataVersion(40)), Fixture.Cluster, text)).Problem.Reason);
}
