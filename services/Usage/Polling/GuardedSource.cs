using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace HpcBilling.Usage.Polling;

/// <summary>A source with a second chance, and a circuit breaker that leaves it alone when it keeps failing.</summary>
internal sealed class GuardedSource(UsageSource source, PollingOptions options, TimeProvider clock) : IDisposable
{
    private const int FailuresBeforeBreak = 3;

    private readonly ResiliencePipeline pipeline = Build(options, clock);
    private readonly Lock gate = new();
    private int users;
    private bool isTakenAway;

    public UsageSource Source => source;

    /// <summary>Its place in its cluster, 1 for the most preferred; others may come before it.</summary>
    public int Preference { get; set; }

    /// <summary>Keeps it alive until <see cref="LetGo"/>, also when it is taken away meanwhile.</summary>
    /// <returns>False when it was taken away.</returns>
    public bool TryHold()
    {
        lock (gate)
        {
            if (isTakenAway) return false;
            users++;
            return true;
        }
    }

    public void LetGo()
    {
        lock (gate)
        {
            users--;
            if (users > 0 || !isTakenAway) return;
        }

        source.Dispose();
    }

    /// <exception cref="SourceException">It failed, or is left alone for now.</exception>
    public async Task RunAsync(Func<UsageSource, CancellationToken, Task> read, CancellationToken cancellation)
    {
        try
        {
            await pipeline.ExecuteAsync(async limit => await read(source, limit), cancellation);
        }
        catch (BrokenCircuitException broken)
        {
            string cause = broken.InnerException is SourceException last ? $" The last error: {last.Message}" : "";
            throw new SourceException(SourceFault.Unavailable, $"It failed {FailuresBeforeBreak} times in a row and is left alone for a while.{cause}", broken);
        }
    }

    /// <summary>Takes it away: nobody begins to use it, and who does already comes to his end.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (isTakenAway) return;
            isTakenAway = true;
            if (users > 0) return;
        }

        source.Dispose();
    }

    private static ResiliencePipeline Build(PollingOptions options, TimeProvider clock)
    {
        // Too much is asked of a source that works; and who hangs is not asked the same at once.
        PredicateBuilder<object> isRefused = new PredicateBuilder().Handle<SourceException>(failure => failure.Fault == SourceFault.Unavailable);
        PredicateBuilder<object> isDown = new PredicateBuilder().Handle<SourceException>(failure => failure.Fault != SourceFault.TooMuch);
        return new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = isRefused,
                MaxRetryAttempts = 1,
                Delay = TimeSpan.FromMilliseconds(500),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = isDown,
                FailureRatio = 1,
                MinimumThroughput = FailuresBeforeBreak,
                SamplingDuration = TimeSpan.FromMinutes(10),
                BreakDurationGenerator = arguments => ValueTask.FromResult(BreakAfter(arguments.HalfOpenAttempts, options)),
            })
            .Build();
    }

    private static TimeSpan BreakAfter(int breaks, PollingOptions options)
    {
        TimeSpan doubled = options.BreakSeconds * ReadSpan.Backoff(breaks, options.BackoffSecondsMax);
        return doubled < TimeSpan.FromSeconds(options.BackoffSecondsMax) ? doubled : TimeSpan.FromSeconds(options.BackoffSecondsMax);
    }
}
