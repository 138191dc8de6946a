using System.Runtime.CompilerServices;
using HpcBilling.Usage.Domain;
using Microsoft.AspNetCore.WebUtilities;

namespace HpcBilling.Usage.Reconciling;

/// <summary>Asks rating what became of runs, and where the site's months begin.</summary>
internal sealed class RatingClasses(IHttpClientFactory clients, ServiceTokens tokens)
{
    /// <summary>Keys of one question.</summary>
    public const int KeysMax = 2000;

    /// <exception cref="HttpRequestException">Rating does not answer.</exception>
    public async Task<SiteMonth> MonthAsync(Guid org, string month, CancellationToken cancellation) =>
        await SendAsync<SiteMonth>(org, new HttpRequestMessage(HttpMethod.Get, $"/internal/v1/months?month={Uri.EscapeDataString(month)}"), cancellation);

    /// <returns>By key; a run that rating does not know is not in it.</returns>
    /// <exception cref="HttpRequestException">Rating does not answer.</exception>
    public async Task<IReadOnlyDictionary<string, RatedRun>> OfAsync(Guid org, IReadOnlyCollection<string> keys, CancellationToken cancellation)
    {
        var found = new Dictionary<string, RatedRun>(StringComparer.Ordinal);
        foreach (string[] some in keys.Chunk(KeysMax))
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/internal/v1/run-classes") { Content = JsonContent.Create(new { JobKeys = some }) };
            ClassPage page = await SendAsync<ClassPage>(org, request, cancellation);
            foreach (ClassedRun run in page.Items) found[run.JobKey] = run.ToRated();
        }

        return found;
    }

    /// <summary>All of a cluster that ended in a span by rating's word, page by page.</summary>
    /// <exception cref="HttpRequestException">Rating does not answer.</exception>
    public async IAsyncEnumerable<IReadOnlyList<(string Key, RatedRun Run)>> AllAsync(
        Guid org, string cluster, DateTimeOffset from, DateTimeOffset to, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string? cursor = null;
        do
        {
            string path = QueryHelpers.AddQueryString("/internal/v1/run-classes", new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["cluster"] = cluster, ["from"] = from.ToString("O"), ["to"] = to.ToString("O"), ["cursor"] = cursor,
            });
            ClassPage page = await SendAsync<ClassPage>(org, new HttpRequestMessage(HttpMethod.Get, path), cancellation);
            yield return [.. page.Items.Select(run => (run.JobKey, run.ToRated()))];
            cursor = page.NextCursor;
        }
        while (cursor is not null);
    }

    private async Task<T> SendAsync<T>(Guid org, HttpRequestMessage request, CancellationToken cancellation)
    {
        using (request)
        {
            request.Headers.Authorization = await tokens.OfAsync(org, cancellation);
            using HttpResponseMessage response = await clients.CreateClient("rating").SendAsync(request, cancellation);
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<T>(cancellation) ?? throw new HttpRequestException("Rating's answer is empty.");
        }
    }

    private sealed record ClassPage(IReadOnlyList<ClassedRun> Items, string? NextCursor);

    private sealed record ClassedRun(
        string JobKey, string Class, long ChargedSeconds, long Cpus, long MemoryMib, long Gpus, long Nodes, NewerFacts? Newer, IReadOnlyList<ClassedRun>? Parts)
    {
        public RatedRun ToRated() => new(
            Class, new RatedFacts(ChargedSeconds, Cpus, MemoryMib, Gpus, Nodes),
            Newer is { } newer ? new RatedFacts(newer.ChargedSeconds, newer.Cpus, newer.MemoryMib, newer.Gpus, Nodes) : null)
        {
            Parts = [.. (Parts ?? []).Select(part => part.ToRated())],
        };
    }

    private sealed record NewerFacts(long ChargedSeconds, long Cpus, long MemoryMib, long Gpus);
}

/// <param name="Zone">IANA id of the site's zone.</param>
/// <param name="From">First instant, UTC.</param>
/// <param name="To">First instant of the next month, UTC.</param>
internal sealed record SiteMonth(string Zone, DateTimeOffset From, DateTimeOffset To);
