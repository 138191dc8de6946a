using System.Diagnostics;
using System.Security.Cryptography;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Sources;

/// <summary>POST /api/v1/sources/check: asks once, for the last hour, and stores nothing. What is asked must be within the org's reach as well.</summary>
internal static class CheckSource
{
    private const int SecondsMax = 20;
    private const int ErrorLengthMax = 500;

    // Each may hold a connection or a process for as long.
    private static readonly SemaphoreSlim Turns = new(4, 4);

    public static void Map(RouteGroupBuilder sources) =>
        sources.MapPost("/check", HandleAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));

    private static async Task<IResult> HandleAsync(
        SourceRequest request, Caller caller, SourceRules rules, TimeProvider clock, ILoggerFactory logs, CancellationToken cancellation)
    {
        var asked = request with { Preference = request.Preference ?? 1 };
        if (asked.Check(caller.OrgId, rules, out _, out SourceOptions options) is { } problem) return Problems.Invalid(problem.Field, problem.Reason);

        options.TimeoutSeconds = Math.Min(options.TimeoutSeconds, SecondsMax);
        long began = Stopwatch.GetTimestamp();
        Outcome outcome;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(SecondsMax));
        try
        {
            await Turns.WaitAsync(limit.Token);
            try
            {
                outcome = options.Kind == SourceOptions.Directory
                    ? Look(options, rules.ReachOf(caller.OrgId))
                    : await AskAsync(options, clock.GetUtcNow(), logs.CreateLogger(typeof(CheckSource)), limit.Token);
            }
            finally
            {
                Turns.Release();
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            outcome = new Outcome(null, 0, $"It did not answer within {SecondsMax} s.");
        }

        long milliseconds = (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        string? error = outcome.Error?[..Math.Min(outcome.Error.Length, ErrorLengthMax)];
        return TypedResults.Ok(new { Works = error is null, outcome.Version, outcome.Records, Error = error, Milliseconds = milliseconds });
    }

    private static async Task<Outcome> AskAsync(SourceOptions options, DateTimeOffset now, ILogger log, CancellationToken cancellation)
    {
        UsageSource? source = null;
        int records = 0;
        try
        {
            source = Clusters.Make(options, log);
            await foreach (RecordChunk chunk in source.ReadAsync(now.AddHours(-1), now, cancellation))
            {
                records += chunk.Count;
                // As many as are handed out at once will do; when there are fewer, how the answer ends is still to be seen.
                if (chunk.IsFull) break;
            }

            return new Outcome(source.Version, records, null);
        }
        catch (Exception failure) when (failure is SourceException or CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Outcome(source?.Version, records, failure.Message);
        }
        finally
        {
            source?.Dispose();
        }
    }

    private static Outcome Look(SourceOptions options, SourceReach reach)
    {
        try
        {
            return new Outcome(null, WatchDirectories.Files(new WatchedDirectory(options, reach).Folder()).Count(), null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new Outcome(null, 0, failure.Message);
        }
    }

    private sealed record Outcome(string? Version, int Records, string? Error);
}
