using System.Net;
using System.Security.Authentication;
using Polly;
using Polly.Retry;

namespace HpcBilling.Cli.Gateway;

/// <summary>How long a request is repeated while nobody answers.</summary>
internal sealed class Patience
{
    // The delays grow from 0.2 s to 5 s; 28 of them are two minutes and a little.
    private const int LongRetriesMax = 28;
    private const int ShortRetriesMax = 3;
    private const int RetriesBeforeNotice = 3;

    // A 500 may be a service that just lost its database; when it stays, it is a defect, and waiting does not mend it.
    private const int ServerErrorRetriesMax = 8;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AskedDelayMax = TimeSpan.FromSeconds(30);
    private readonly ResiliencePipeline<HttpResponseMessage> pipeline;

    private Patience(int retriesMax, Action<string>? notice) =>
        pipeline = new ResiliencePipelineBuilder<HttpResponseMessage>()
            .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = retriesMax,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = FirstDelay,
                MaxDelay = DelayMax,
                ShouldHandle = attempt => ValueTask.FromResult(MayPass(attempt)),
                DelayGenerator = attempt => ValueTask.FromResult(AskedFor(attempt.Outcome.Result)),
                OnRetry = attempt => Notice(attempt, notice),
            })
            .Build();

    /// <summary>About two minutes: for work that runs on while a service restarts.</summary>
    /// <param name="notice">Told once, with the reason, when the wait gets long.</param>
    public static Patience Long(Action<string> notice) => new(LongRetriesMax, notice);

    /// <summary>A second or two: for a question whose asker waits.</summary>
    public static Patience Short() => new(ShortRetriesMax, notice: null);

    /// <summary>Runs attempts until one is answered for good; the last reply or exception when none is.</summary>
    public async Task<HttpResponseMessage> ExecuteAsync(
        Func<CancellationToken, Task<HttpResponseMessage>> attempt, CancellationToken cancellationToken) =>
        await pipeline.ExecuteAsync(async ct => await attempt(ct), cancellationToken);

    public static string Reason(Exception failure) => failure.GetBaseException().Message;

    private static bool MayPass(RetryPredicateArguments<HttpResponseMessage> attempt) => attempt.Outcome switch
    {
        { Exception: OperationCanceledException } => !attempt.Context.CancellationToken.IsCancellationRequested,
        // A name that does not exist or a certificate that is not trusted stays so.
        { Exception: HttpRequestException failure } =>
            failure.HttpRequestError != HttpRequestError.NameResolutionError && failure.GetBaseException() is not AuthenticationException,
        { Result.StatusCode: HttpStatusCode.InternalServerError } => attempt.AttemptNumber < ServerErrorRetriesMax,
        { Result: { } reply } => Problem.IsOutage(reply.StatusCode) || reply.StatusCode == HttpStatusCode.TooManyRequests,
        _ => false,
    };

    // What the gateway asks for, within reason; null: our own growing delay.
    private static TimeSpan? AskedFor(HttpResponseMessage? reply) => reply?.Headers.RetryAfter?.Delta is { } asked
        ? TimeSpan.FromTicks(Math.Min(asked.Ticks, AskedDelayMax.Ticks))
        : null;

    private static ValueTask Notice(OnRetryArguments<HttpResponseMessage> attempt, Action<string>? notice)
    {
        if (attempt.AttemptNumber == RetriesBeforeNotice)
            notice?.Invoke(attempt.Outcome.Exception is { } failure ? Reason(failure) : $"status {(int)attempt.Outcome.Result!.StatusCode}");
        return ValueTask.CompletedTask;
    }
}
