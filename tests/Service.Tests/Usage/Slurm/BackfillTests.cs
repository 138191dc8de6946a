using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>Years of the past, read by command: stopped, given up, and taken up again.</summary>
[Collection(nameof(Servers))]
public sealed class BackfillTests(Servers servers)
{
    private const int Days = 6;
    private const int DaySeconds = 86_400;

    // Long before anything that a poll asks for.
    private static readonly DateTimeOffset First = new(2025, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    [Trait("Control", "JOB-01")]
    public async Task One_that_is_cancelled_in_the_middle_of_a_window_keeps_what_was_stored_and_goes_on_from_there()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        foreach (int day in Enumerable.Range(0, Days)) stub.Put(Run(day));
        var asked = new TaskCompletionSource();
        var answer = new TaskCompletionSource();
        stub.Held = async question =>
        {
            if (question.From != Seconds(3)) return;
            asked.TrySetResult();
            await answer.Task.WaitAsync(TimeSpan.FromMinutes(1));
        };
        await using RunningService usage = await StartAsync(stub);
        var client = new UsageClient(usage);
        Guid id = await RequestAsync(usage);
        await asked.Task.WaitAsync(TimeSpan.FromMinutes(1));

        await PostAsync(usage, $"/api/v1/jobs/{id}/cancel");
        answer.SetResult();
        long polls = await PollsAsync(usage);
        await Wait.UntilAsync("the cluster is polled on", async () => await PollsAsync(usage) > polls);
        Assert.Equal(("cancelled", First.AddDays(3)), (Text(await client.JobAsync(id), "status"), await PositionAsync(usage, id)));
        Assert.Equal(["1", "2", "3"], await StoredAsync(usage));

        await PostAsync(usage, $"/api/v1/jobs/{id}/requeue");
        JsonObject done = await client.EndAsync(id);
        Assert.Equal(("succeeded", (long)Days), (Text(done, "status"), done["stored"]!.GetValue<long>()));
        Assert.Equal(Days, (await StoredAsync(usage)).Count);
        Assert.Equal(Days, await usage.ScalarAsync<long>("SELECT count(*) FROM runs WHERE revision = 1"));
    }

    [Fact]
    [Trait("Control", "JOB-03")]
    public async Task One_that_no_source_can_answer_is_given_up_and_goes_on_when_it_is_requeued()
    {
        await using StubSlurmrestd stub = await StubSlurmrestd.StartAsync();
        foreach (int day in Enumerable.Range(0, Days)) stub.Put(Run(day));
        // slurmdbd has lost a part of its past; of today it tells.
        stub.Instead = context =>
        {
            if (!StubSlurmrestd.Span(context).From.Equals(Seconds(3))) return stub.AnswerAsync(context);
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return Task.CompletedTask;
        };
        await using RunningService usage = await StartAsync(stub, ("Polling__BackfillAttemptsMax", "2"));
        var client = new UsageClient(usage);
        Guid id = await RequestAsync(usage);

        JsonObject dead = await client.EndAsync(id);
        Assert.Equal(("dead_letter", "attempts_exhausted", 2), (Text(dead, "status"), Text(dead, "errorCode"), dead["attempts"]!.GetValue<int>()));
        Assert.Contains("500", Text(dead, "error"), StringComparison.Ordinal);
        Assert.Equal(First.AddDays(3), await PositionAsync(usage, id));
        long polls = await PollsAsync(usage);
        await Wait.UntilAsync("the cluster is polled on", async () => await PollsAsync(usage) > polls);

        stub.Instead = null;
        await PostAsync(usage, $"/api/v1/jobs/{id}/requeue");
        JsonObject done = await client.EndAsync(id);
        Assert.Equal(("succeeded", (long)Days), (Text(done, "status"), done["stored"]!.GetValue<long>()));
        Assert.Equal(Days, (await StoredAsync(usage)).Count);
    }

    private Task<RunningService> StartAsync(StubSlurmrestd stub, params (string Key, string Value)[] settings) => PolledService.StartAsync(
        servers, stub, [("Polling__From", $"{TimeProvider.System.GetUtcNow():O}"), ("Polling__MonthHours", "168"), ("Polling__WindowSeconds", $"{DaySeconds}"), ("Sources__0__ReadsSteps", "false"), .. settings]);

    // At noon of a day: in one window alone.
    private static StubRecord Run(int day) => new(day + 1, Seconds(day) + (DaySeconds / 2), Seconds(day) + (DaySeconds / 2), Seconds(day) + (DaySeconds / 2) + 60);

    private static long Seconds(int day) => First.AddDays(day).ToUnixTimeSeconds();

    private static async Task<Guid> RequestAsync(RunningService usage)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        using HttpResponseMessage accepted = await admin.PostAsJsonAsync("/api/v1/clusters/hpc/backfills", new { from = $"{First:yyyy-MM-dd}", to = $"{First.AddDays(Days):yyyy-MM-dd}" });
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        return (await accepted.Content.ReadFromJsonAsync<JsonNode>())!["id"]!.GetValue<Guid>();
    }

    private static async Task PostAsync(RunningService usage, string path)
    {
        using HttpClient admin = usage.Client(TestCaller.Admin());
        using HttpResponseMessage response = await admin.PostAsync(path, null);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static Task<long> PollsAsync(RunningService usage) => usage.ScalarAsync<long>("SELECT coalesce(max(extract(epoch FROM read_until) * 1000), 0)::bigint FROM clusters");

    private static async Task<DateTimeOffset> PositionAsync(RunningService usage, Guid id) =>
        DateTimeOffset.FromUnixTimeSeconds(await usage.ScalarAsync<long>("SELECT extract(epoch FROM position_at)::bigint FROM reads WHERE id = @id", new { id }));

    private static Task<IReadOnlyList<string>> StoredAsync(RunningService usage) => usage.QueryAsync<string>("SELECT raw_job_id::text FROM runs ORDER BY raw_job_id");

    private static string Text(JsonNode node, string name) => node[name]?.ToString() ?? "";
}
