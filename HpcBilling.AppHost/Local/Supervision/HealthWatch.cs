namespace HpcBilling.AppHost.Local.Supervision;

/// <summary>Asks often until the first good answer, then now and then; two bad answers in a row are a finding.</summary>
internal sealed class HealthWatch(IManaged managed, TimeProvider clock)
{
    private const int BadAnswersMax = 2;
    private static readonly TimeSpan WhileStarting = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan WhileHealthy = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WhileUnhealthy = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(5);

    /// <summary>Returns when cancelled.</summary>
    public async Task WatchAsync(Action<Health, string> report, CancellationToken cancellationToken)
    {
        var seenHealthy = false;
        for (var badAnswers = 0; !cancellationToken.IsCancellationRequested;)
        {
            var problem = await AskAsync(cancellationToken);
            if (cancellationToken.IsCancellationRequested)
                return;
            badAnswers = problem is null ? 0 : badAnswers + 1;
            seenHealthy |= problem is null;
            if (problem is null)
                report(Health.Healthy, "");
            else if (!seenHealthy || badAnswers >= BadAnswersMax)
                report(seenHealthy ? Health.Unhealthy : Health.Unknown, problem);
            await PauseAsync(!seenHealthy ? WhileStarting : problem is null ? WhileHealthy : WhileUnhealthy, cancellationToken);
        }
    }

    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(AnswerDeadline, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await managed.ProbeAsync(either.Token);
            return null;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return $"no answer within {AnswerDeadline.TotalSeconds:0} s";
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            return cause.Message;
        }
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(pause, clock, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The loop sees it.
        }
    }
}
