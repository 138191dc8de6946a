using System.Text.Json.Nodes;
using HpcBilling.Cli.Output;
using Spectre.Console;

namespace HpcBilling.Cli.Gateway;

/// <summary>What every job says of itself; <see cref="Done"/> of <see cref="Total"/> is the progress of its stage.</summary>
internal sealed record JobState(Guid Id, string Type, string Status, string Stage, long Done, long? Total, string? ErrorCode, string? Error)
{
    public bool IsOver => Status is "succeeded" or "failed" or "dead_letter" or "cancelled";

    public bool HasSucceeded => Status == "succeeded";
}

/// <summary>Waits for a job, with a bar on a terminal.</summary>
internal static class JobWait
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PollMax = TimeSpan.FromSeconds(5);

    /// <returns>The job as it ended.</returns>
    public static Task<JsonObject> RunAsync(Terminal terminal, GatewayClient gateway, Guid id, bool isShown, CancellationToken cancellationToken)
    {
        if (!isShown) return PollAsync(gateway, id, _ => { }, cancellationToken);
        return terminal.Out.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(context =>
            {
                ProgressTask bar = context.AddTask("waiting");
                return PollAsync(gateway, id, job => Show(bar, job), cancellationToken);
            });
    }

    private static async Task<JsonObject> PollAsync(GatewayClient gateway, Guid id, Action<JobState> report, CancellationToken cancellationToken)
    {
        for (TimeSpan delay = FirstPoll; ; delay = delay * 2 < PollMax ? delay * 2 : PollMax)
        {
            JsonObject document = await gateway.GetAsync($"api/v1/jobs/{id}", cancellationToken);
            var job = document.As<JobState>();
            report(job);
            if (job.IsOver) return document;
            await Task.Delay(delay, cancellationToken);
        }
    }

    private static void Show(ProgressTask bar, JobState job)
    {
        bar.Description = job.Stage;
        bar.IsIndeterminate = job.Total is null && !job.IsOver;
        bar.MaxValue = Math.Max(1, job.Total ?? 1);
        bar.Value = job.IsOver ? bar.MaxValue : job.Done;
    }
}
