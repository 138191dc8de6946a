using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;

namespace HpcBilling.Cli.Importing;

/// <summary>One import from creation to rated runs, over the gateway.</summary>
internal sealed class Importer(GatewayClient gateway, Action<ImportStep> report)
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan PollMax = TimeSpan.FromSeconds(2);

    // One key an invocation: a creation that is repeated, because its answer was lost, is still one job.
    private readonly Guid idempotencyKey = Guid.CreateVersion7();

    /// <summary>Creates the job and sends the file.</summary>
    /// <returns>The job's id.</returns>
    public async Task<Guid> SendAsync(ImportRequest import, FileStream source, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["fileName"] = import.File.Name,
            ["sizeBytes"] = source.Length,
            ["format"] = "sacct",
            ["fields"] = import.Fields,
            ["cluster"] = import.Cluster,
        };
        ImportJob job = Read(await gateway.PostAsync("api/v1/imports", body, idempotencyKey, cancellationToken));
        var upload = new Upload(gateway, job.Id, source);
        await upload.SendAsync(job.BytesReceived, held => report(new ImportStep(ImportStep.Uploading, held, source.Length)), cancellationToken);
        return job.Id;
    }

    /// <summary>The job as the service tells it, for <c>--json</c>; <see cref="Read"/> gives it a shape.</summary>
    public Task<JsonObject> GetJobAsync(Guid id, CancellationToken cancellationToken) => gateway.GetAsync($"api/v1/jobs/{id}", cancellationToken);

    /// <summary>Waits until the job is over, well or not.</summary>
    public async Task<JsonObject> WaitAsync(Guid id, CancellationToken cancellationToken)
    {
        for (TimeSpan delay = FirstPoll; ; delay = Longer(delay))
        {
            JsonObject document = await GetJobAsync(id, cancellationToken);
            ImportJob job = Read(document);
            report(new ImportStep(ImportStep.Processing, job.BytesProcessed, job.SizeBytes));
            if (job.IsOver) return document;
            await Task.Delay(delay, cancellationToken);
        }
    }

    /// <summary>Waits until rating has stored every run that the import added or changed.</summary>
    /// <returns>Runs of the import that rating holds.</returns>
    public async Task<long> WaitUntilRatedAsync(ImportJob job, CancellationToken cancellationToken)
    {
        for (TimeSpan delay = FirstPoll; ; delay = Longer(delay))
        {
            JsonObject rating = await gateway.GetAsync($"api/v1/usage/imports/{job.Id}", cancellationToken);
            long rated = rating["runs"]?.GetValue<long>()
                ?? throw new CommandFailedException(ExitCode.Failed, "rating did not say how many runs it has stored");
            report(new ImportStep(ImportStep.Rating, Math.Min(rated, job.RunsToRate), job.RunsToRate));
            if (rated >= job.RunsToRate) return rated;
            await Task.Delay(delay, cancellationToken);
        }
    }

    public static ImportJob Read(JsonObject document) =>
        document.As<ImportJob>();

    private static TimeSpan Longer(TimeSpan delay) => delay * 2 < PollMax ? delay * 2 : PollMax;
}
