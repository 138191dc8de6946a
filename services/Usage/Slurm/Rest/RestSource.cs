using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Slurm.Rest;

/// <summary>Asks slurmrestd for what slurmdbd holds. One host, no redirects, no proxy.</summary>
internal sealed class RestSource : UsageSource
{
    private readonly HttpClient client;
    private readonly ILogger log;
    private RestPath? path;

    public RestSource(SourceOptions options, ILogger log)
        : base(options)
    {
        this.log = log;
        client = new HttpClient(RestConnection.Handler(options))
        {
            // With a socket the host is a formality.
            BaseAddress = options.Url ?? new Uri("http://localhost"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public override IAsyncEnumerable<RecordChunk> ReadAsync(DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) =>
        AskAsync(from, to, hasSteps: false, cancellation);

    // A record with more steps than a record may have bytes is passed over here, and its use stays unknown.
    public override IAsyncEnumerable<RecordChunk> MeasureAsync(DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation) =>
        AskAsync(from, to, hasSteps: true, cancellation);

    protected override void Dispose(bool disposing)
    {
        client.Dispose();
        base.Dispose(disposing);
    }

    private async IAsyncEnumerable<RecordChunk> AskAsync(
        DateTimeOffset from, DateTimeOffset to, bool hasSteps, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(Options.TimeoutSeconds));
        RestPath asked = await GuardAsync(() => PathAsync(limit.Token), cancellation);
        using HttpResponseMessage response = await GuardAsync(() => SendAsync(asked.Query(Options.Cluster, from, to, hasSteps), limit.Token), cancellation);
        await using Stream body = await GuardAsync(() => response.Content.ReadAsStreamAsync(limit.Token), cancellation);
        using var answer = new JobsAnswer(body, new JobRecordParser(Options.Cluster, asked.Version));
        int records = 0;
        while (true)
        {
            var chunk = new RecordChunk(ChunkRecordsMax, TextForm.Of(asked.Version));
            if (!await GuardAsync(() => answer.ReadAsync(chunk, limit.Token), cancellation, response)) break;

            records += chunk.Count;
            if (records > Options.AnswerRecordsMax)
                throw new SourceException(SourceFault.TooMuch, $"The answer has more than {Options.AnswerRecordsMax} records (AnswerRecordsMax).");
            yield return chunk;
        }

        Check(response, answer.Errors);
    }

    private async Task<HttpResponseMessage> SendAsync(string query, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, query);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        await RestConnection.AddTokenAsync(request, Options, cancellation);
        HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.InternalServerError) return response;

        using (response)
        {
            // A newer Slurm may have dropped the version: look again next time.
            if (response.StatusCode == HttpStatusCode.NotFound) path = null;
            throw new SourceException(SourceFault.Unavailable, Refusal(response));
        }
    }

    private static string Refusal(HttpResponseMessage response) => (int)response.StatusCode switch
    {
        401 or 403 => $"slurmrestd refuses the token ({(int)response.StatusCode}).",
        >= 300 and < 400 => $"slurmrestd's address answers with a redirect ({(int)response.StatusCode}), which is not followed.",
        var status => $"slurmrestd answers with status {status}.",
    };

    // An answer may hold errors under any status: 200 for a refused token, 500 for a wrong query.
    private static void Check(HttpResponseMessage response, IReadOnlyList<RestError> errors)
    {
        RestError[] told = [.. errors.Where(error => !error.IsNothingFound)];
        if (told.Length > 0)
            throw new SourceException(SourceFault.Unavailable, "slurmrestd answers with errors: " + string.Join(" | ", told.Select(error => $"{error.Number}: {error.Text}")));
        if (response.StatusCode != HttpStatusCode.OK) throw new SourceException(SourceFault.Unavailable, Refusal(response));
    }

    private async Task<RestPath> PathAsync(CancellationToken cancellation)
    {
        if (path is not null) return path;

        foreach (string document in RestPath.Documents)
        {
            using HttpResponseMessage response = await SendToleratingNotFoundAsync(document, cancellation);
            if (response.StatusCode != HttpStatusCode.OK) continue;

            await using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
            IReadOnlyList<RestPath> offered = await RestPath.FindAsync(body, cancellation);
            RestPath? newest = offered.Where(one => one.Version.IsUnderstood).MaxBy(one => one.Version.Number);
            if (newest is null)
            {
                throw new SourceException(
                    SourceFault.Unavailable,
                    $"slurmrestd offers data versions {string.Join(", ", offered.Select(one => one.Version))}; understood are {DataVersion.Oldest} to {DataVersion.Newest}.");
            }

            log.LogInformation(
                "Source {Source} of cluster {Cluster} offers {Offered}; {Version} is taken", Name, Options.Cluster, string.Join(", ", offered.Select(one => one.Version)), newest.Version);
            (path, Version) = (newest, newest.Version.ToString());
            return newest;
        }

        throw new SourceException(SourceFault.Unavailable, "slurmrestd describes itself neither at /openapi/v3 nor at /openapi.");
    }

    private async Task<HttpResponseMessage> SendToleratingNotFoundAsync(string document, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, document);
        await RestConnection.AddTokenAsync(request, Options, cancellation);
        HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound) return response;

        using (response) throw new SourceException(SourceFault.Unavailable, Refusal(response));
    }

    /// <summary>Everything that can go wrong on the way is one of few things to whoever asks.</summary>
    private async Task<T> GuardAsync<T>(Func<Task<T>> step, CancellationToken caller, HttpResponseMessage? response = null)
    {
        try
        {
            return await step();
        }
        catch (OperationCanceledException) when (!caller.IsCancellationRequested)
        {
            throw new SourceException(SourceFault.Slow, $"slurmrestd did not answer within {Options.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)} s (TimeoutSeconds).");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or UnauthorizedAccessException)
        {
            throw new SourceException(SourceFault.Unavailable, $"slurmrestd cannot be reached: {Innermost(failure).Message}", failure);
        }
        catch (JsonException failure)
        {
            string said = response is null || response.StatusCode == HttpStatusCode.OK ? $"slurmrestd's answer cannot be read: {failure.Message}" : Refusal(response);
            throw new SourceException(SourceFault.Unavailable, said, failure);
        }
    }

    private static Exception Innermost(Exception failure) => failure.InnerException is { } inner ? Innermost(inner) : failure;
}
