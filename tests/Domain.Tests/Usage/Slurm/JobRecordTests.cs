using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage.Slurm;

public sealed class JobRecordTests
{
    [Fact]
    public async Task A_record_becomes_a_run_with_what_pricing_needs()
    {
        JobRun run = await OneAsync("{}");

        Assert.Equal("hpctest/7/1767225600/1767225610", run.JobKey);
        Assert.Equal(("alice", "physics", "gpu", "normal", "COMPLETED", 3600L), (run.Username, run.Account, run.Partition, run.Qos, run.State, run.ChargedSeconds));
        Assert.Equal(new Tres(8, 16_384, 1, 2, null, null, null), run.Tres);
    }

    [Theory]
    [InlineData("3600")]
    [InlineData("3600.0")]
    [InlineData("\"3600\"")]
    [InlineData("""{"set": true, "infinite": false, "number": 3600}""")]
    public async Task Every_shape_of_a_number_is_that_number(string number) =>
        Assert.Equal(3600, (await OneAsync($$"""{"time.elapsed": {{number}}}""")).ChargedSeconds);

    [Theory]
    [InlineData("null")]
    [InlineData("0")]
    [InlineData("4294967294")]
    [InlineData("18446744073709551614")]
    [InlineData("""{"set": false, "infinite": false, "number": 0}""")]
    [InlineData("""{"set": false, "infinite": false, "number": 99}""")]
    public async Task An_end_that_is_not_set_means_that_the_job_runs(string end)
    {
        JobRun run = await OneAsync($$"""{"time.end": {{end}}, "state.current": ["RUNNING"]}""");

        Assert.Null(run.EndedAt);
        Assert.Equal(3600, run.ChargedSeconds);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("4294967294")]
    [InlineData("18446744073709551614")]
    [InlineData("""{"set": false, "infinite": false, "number": 0}""")]
    public async Task What_is_not_set_is_not_zero(string nothing)
    {
        // Of a resource that nobody counted nothing is known; of a time that nobody measured nothing may be charged.
        JobRun run = await OneAsync($$"""{"tres.allocated": [{"type": "cpu", "name": "", "count": 1}, {"type": "energy", "name": null, "count": {{nothing}}}]}""");
        QuarantinedRecord refused = await RefusedAsync($$"""{"time.elapsed": {{nothing}}}""");

        Assert.Null(run.Tres.Other);
        Assert.Equal((LineProblem.BadField, "time.elapsed"), (refused.Problem.Code, refused.Problem.Field));
    }

    [Theory]
    [InlineData("""["CANCELLED"]""", "CANCELLED")]
    [InlineData("\"NODE_FAIL\"", "NODE_FAIL")]
    [InlineData("""["PENDING", "REQUEUED"]""", "REQUEUED")]
    [InlineData("""["COMPLETED", "A_FLAG_OF_TOMORROW"]""", "COMPLETED")]
    [InlineData("""["REVOKED"]""", "REVOKED")]
    public async Task A_state_is_a_word_or_a_list(string state, string word) => Assert.Equal(word, (await OneAsync($$"""{"state.current": {{state}}}""")).State);

    [Fact]
    public async Task A_job_that_was_cancelled_before_its_time_started_and_ended_at_once()
    {
        JobRun run = await OneAsync("""{"state.current": ["CANCELLED"], "time.start": 1767232810, "time.end": 1767229210, "time.elapsed": 0, "tres.allocated": []}""");

        Assert.Equal((run.EndedAt, 0L), (run.StartedAt, run.ChargedSeconds));
    }

    [Fact]
    public async Task A_job_that_waits_has_no_start_whatever_is_expected_of_it()
    {
        JobRun run = await OneAsync("""{"state.current": "PENDING", "time.start": 1767232810, "time.end": 0, "time.elapsed": 0, "tres.allocated": []}""");

        Assert.True(run.IsWaiting);
        Assert.Equal("hpctest/7/1767225600/-", run.JobKey);
    }

    [Theory]
    [InlineData("""{"array": {"job_id": 5, "task_id": 3, "task": null}}""", "5_3")]
    [InlineData("""{"array": {"job_id": 5, "task_id": {"set": true, "infinite": false, "number": 0}, "task": ""}}""", "5_0")]
    [InlineData("""{"array": {"job_id": 5, "task_id": {"set": false, "infinite": false, "number": 0}, "task": "1-20%2"}}""", "5_[1-20%2]")]
    [InlineData("""{"het": {"job_id": 6, "job_offset": {"set": true, "infinite": false, "number": 1}}}""", "6+1")]
    [InlineData("{}", "7")]
    public async Task The_display_id_tells_tasks_and_components(string changes, string id) => Assert.Equal(id, (await OneAsync(changes)).JobId);

    [Theory]
    [InlineData("""{"job_id": 0}""", "job_id")]
    [InlineData("""{"user": "", "association": {}}""", "user")]
    [InlineData("""{"user": "a\u0000b"}""", "user")]
    [InlineData("""{"cluster": "other"}""", "cluster")]
    [InlineData("""{"state.current": []}""", "state.current")]
    [InlineData("""{"state.current": 3}""", "state.current")]
    [InlineData("""{"time": null}""", "time.submission")]
    [InlineData("""{"time.submission": 0}""", "time.submission")]
    [InlineData("""{"time.start": "Infinity"}""", "time.start")]
    [InlineData("""{"time.end": {"set": true, "infinite": true, "number": 0}}""", "time.end")]
    [InlineData("""{"time.elapsed": -1}""", "time.elapsed")]
    [InlineData("""{"tres.allocated": "cpu=8"}""", "tres.allocated")]
    [InlineData("""{"tres.allocated": [{"type": "cpu", "count": -8}]}""", "tres.allocated")]
    [InlineData("""{"tres.allocated": [{"type": "cpu", "count": "Infinity"}]}""", "tres.allocated")]
    [InlineData("""{"tres.allocated": [{"type": "license", "name": "x=1,cpu", "count": 8}]}""", "tres.allocated")]
    [InlineData("""{"tres.allocated": []}""", "AllocTRES")]
    [InlineData("""{"time.elapsed": 3601}""", "Elapsed")]
    [InlineData("""{"state.current": ["RUNNING"]}""", "End")]
    [InlineData("""{"sluid": "two words"}""", "sluid")]
    [Trait("Control", "USE-04")]
    public async Task A_record_that_cannot_be_a_run_is_kept_with_its_field_and_stops_nothing(string changes, string field)
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.AnswerOf(Fixture.Record(), Fixture.Record(changes), Fixture.Record("""{"job_id": 8}"""), "[1]", "null"));

        Assert.Equal([7L, 8L], answer.Runs.Select(run => run.RawJobId));
        Assert.Equal(3, answer.Quarantined.Count);
        Assert.Equal(field, answer.Quarantined[0].Problem.Field);
        Assert.DoesNotContain("secret", answer.Quarantined[0].Text, StringComparison.Ordinal);
        Assert.Contains("\"time\":", answer.Quarantined[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_spoil_one_record_alone()
    {
        byte[] json = Encoding.UTF8.GetBytes(Fixture.AnswerOf(Fixture.Record("""{"user": "bXb"}"""), Fixture.Record()));
        json[Encoding.UTF8.GetString(json).IndexOf("bXb", StringComparison.Ordinal) + 1] = 0xFF;

        Fixture.Answer answer = await Fixture.ReadAsync(json);

        Assert.Single(answer.Runs);
        Assert.Equal(LineProblem.NotUtf8, Assert.Single(answer.Quarantined).Problem.Code);
    }

    [Fact]
    public async Task A_record_of_any_length_takes_bounded_memory_and_costs_itself_alone()
    {
        string steps = string.Concat(Enumerable.Repeat("""{"step": {"id": 0}, "time": {"elapsed": 1}},""", 250_000));
        string huge = Fixture.Record()[..^1] + $$""", "steps": [{{steps}} {}]}""";
        Assert.True(huge.Length > JobsAnswer.RecordBytesMax);

        Fixture.Answer answer = await Fixture.ReadAsync(Encoding.UTF8.GetBytes(Fixture.AnswerOf(Fixture.Record("""{"job_id": 8}"""), huge, Fixture.Record("""{"job_id": 9}"""))), bytesAtOnce: 10_000);

        Assert.Equal([8L, 9L], answer.Runs.Select(run => run.RawJobId));
        Assert.Equal(LineProblem.RecordTooLong, Assert.Single(answer.Quarantined).Problem.Code);
    }

    [Fact]
    public async Task Nothing_found_is_no_error()
    {
        Fixture.Answer answer = await Fixture.ReadAsync("""{"jobs": [], "errors": [{"error_number": 9003, "error": "Nothing found with query", "source": "slurmdb_jobs_get"}]}""");

        Assert.True(Assert.Single(answer.Errors).IsNothingFound);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"pings": []}""")]
    [InlineData("""{"jobs": 7}""")]
    [InlineData("<html>Bad gateway</html>")]
    public async Task What_is_no_answer_is_refused_as_a_whole(string body) => await Assert.ThrowsAnyAsync<JsonException>(() => Fixture.ReadAsync(body));

    [Fact]
    public void No_mutation_of_a_document_throws_anything_but_that_it_is_no_document()
    {
        byte[] document = Encoding.UTF8.GetBytes(Fixture.AnswerOf(Fixture.Record(), Fixture.Record("""{"job_id": 8, "state.current": ["RUNNING"], "time.end": 0}""")));
        var mutations =
            from cuts in Gen.Choose(1, 4)
            from places in Gen.Choose(0, document.Length - 1).ArrayOf(cuts)
            from values in Gen.Frequency((1, Gen.Choose(0, 255)), (3, Gen.Elements("0123456789\"{}[],:-".Select(c => (int)c)))).ArrayOf(cuts)
            select Mutate(document, places, values);

        Prop.ForAll(mutations.ToArbitrary(), async json =>
        {
            try
            {
                Fixture.Answer answer = await Fixture.ReadAsync(json, recordsMax: 1, bytesAtOnce: 100);
                return answer.Runs.All(run => run.ChargedSeconds >= 0 && run.Username.Length > 0 && run.Cluster == Fixture.Cluster)
                    && answer.Quarantined.All(record => record.Problem.Reason.Length > 0 && record.Text.Length <= RecordText.CharsMax);
            }
            catch (JsonException)
            {
                return true;
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
    }

    private static byte[] Mutate(byte[] document, int[] places, int[] values)
    {
        byte[] mutated = [.. document];
        for (int i = 0; i < places.Length; i++) mutated[places[i]] = (byte)values[i];
        return mutated;
    }

    private static async Task<JobRun> OneAsync(string changes)
    {
        Fixture.Answer answer = await Fixture.ReadAsync(Fixture.AnswerOf(Fixture.Record(changes)));
        Assert.True(answer.Quarantined.Count == 0, string.Concat(answer.Quarantined.Select(record => record.Problem.Reason)));
        return Assert.Single(answer.Runs);
    }

    private static async Task<QuarantinedRecord> RefusedAsync(string changes) =>
        Assert.Single((await Fixture.ReadAsync(Fixture.AnswerOf(Fixture.Record(changes)))).Quarantined);
}
