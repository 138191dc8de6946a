using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;

namespace HpcBilling.AppHost.Local.Supervision;

/// <summary>Keeps one resource as it should be: started when its dependencies are there, restarted when it dies, stopped after its dependents.</summary>
public sealed class Supervisor
{
    private readonly IManaged _managed;
    private readonly ResourceLog _log;
    private readonly StateDirectory _state;
    private readonly ResourceBoard _board;
    private readonly RestartPolicy _policy;
    private readonly TimeProvider _clock;
    private readonly HealthWatch _health;
    private readonly OperatorSwitch _switch = new();
    private readonly List<Task> _dependencies = [];
    private readonly List<Supervisor> _dependents = [];
    private readonly TaskCompletionSource _firstHealthy = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Supervisor(IManaged managed, ResourceLog log, StateDirectory state, ResourceBoard board, RestartPolicy policy, TimeProvider clock)
    {
        (_managed, _log, _state, _board, _policy, _clock) = (managed, log, state, board, policy, clock);
        _health = new HealthWatch(managed, clock);
        board.Add(new ResourceStatus(managed.Name, managed.Kind, managed.Endpoints));
    }

    public string Name => _managed.Name;

    public ResourceLog Log => _log;

    /// <summary>Whether others cannot start without it, or it is meant to be there all the time.</summary>
    public bool IsEssential => !_managed.RunsToCompletion || _dependents.Count > 0;

    /// <summary>Call before <see cref="RunAsync"/>.</summary>
    public void DependOn(Supervisor other, bool completed)
    {
        _dependencies.Add(completed ? other._completed.Task : other._firstHealthy.Task);
        other._dependents.Add(this);
    }

    public void Restart() => _switch.Restart();

    public void Hold() => _switch.Hold();

    public void Release() => _switch.Release();

    /// <summary>Returns when it has stopped for good.</summary>
    /// <param name="stop">Begins the orderly stop.</param>
    /// <param name="impatient">Ends it with SIGKILL.</param>
    public async Task RunAsync(CancellationToken stop, CancellationToken impatient)
    {
        try
        {
            await Task.WhenAll(_dependencies).WaitAsync(stop);
            await RepeatAsync(stop, impatient);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Update(status => status with { State = ResourceState.Stopped, Health = Health.Unknown, Pid = null });
        }
        finally
        {
            if (_managed is IAsyncDisposable helper)
                await helper.DisposeAsync();
            _stopped.TrySetResult();
        }
    }

    private async Task RepeatAsync(CancellationToken stop, CancellationToken impatient)
    {
        for (var failures = 0; ;)
        {
            await _switch.WaitUntilReleasedAsync(stop);
            var begin = _clock.GetTimestamp();
            var end = await RunOnceAsync(stop, impatient);
            stop.ThrowIfCancellationRequested();
            if (end is RunEnd.Completed)
            {
                Update(status => status with { State = ResourceState.Finished, Pid = null, ExitCode = 0, Message = "" });
                _completed.TrySetResult();
                return;
            }

            Update(status => status with { Restarts = status.Restarts + 1 });
            if (end is not RunEnd.Died died)
                continue;
            failures = _clock.GetElapsedTime(begin) > _policy.StableAfter ? 1 : failures + 1;
            if (failures >= _policy.AttemptsMax && !_firstHealthy.Task.IsCompleted)
            {
                Update(status => status with { State = ResourceState.Failed, Message = died.Reason });
                return;
            }

            Update(status => status with { State = ResourceState.BackingOff, Message = died.Reason });
            await Task.Delay(_policy.PauseAfter(failures), _clock, stop);
        }
    }

    private async Task<RunEnd> RunOnceAsync(CancellationToken stop, CancellationToken impatient)
    {
        using var run = _switch.BeginRun(stop);
        ChildProcess? process = null;
        try
        {
            Update(status => status with { State = ResourceState.Starting, Health = Health.Unknown, StartedAt = _clock.GetUtcNow(), Message = "" });
            process = await _managed.StartAsync(_log.Line, run.Token);
            if (process is not null)
                Leftovers.Record(_state, Name, process);
            Update(status => status with { Pid = process?.Identity.Pid, State = _managed.RunsToCompletion ? ResourceState.Running : status.State });
            await WatchAsync(process, run.Token);
            return await EndOfAsync(process);
        }
        catch (OperationCanceledException) when (run.IsCancellationRequested)
        {
            await StopAsync(process, stop.IsCancellationRequested, impatient);
            return new RunEnd.Asked();
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            _log.Line($"--- {Name} did not start: {cause.Message}");
            return new RunEnd.Died(cause.Message);
        }
        finally
        {
            Leftovers.Forget(_state, Name);
            Update(status => status with { Pid = null, Health = Health.Unknown });
        }
    }

    /// <summary>Returns when the process has ended; until then its health is on the board.</summary>
    private async Task WatchAsync(ChildProcess? process, CancellationToken stop)
    {
        var exited = process?.Exited ?? new TaskCompletionSource<int>().Task;
        if (_managed.RunsToCompletion)
        {
            await exited.WaitAsync(stop);
            return;
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var watching = _health.WatchAsync(Report, ended.Token);
        try
        {
            await exited.WaitAsync(stop);
        }
        finally
        {
            await ended.CancelAsync();
            await watching;
        }
    }

    private void Report(Health health, string message)
    {
        Update(status => status with
        {
            Health = health,
            Message = message,
            State = health == Health.Healthy ? ResourceState.Running : status.State,
        });
        if (health == Health.Healthy)
            _firstHealthy.TrySetResult();
    }

    private async Task<RunEnd> EndOfAsync(ChildProcess? process)
    {
        var exitCode = await process!.Exited;
        await process.DisposeAsync();
        Update(status => status with { ExitCode = exitCode });
        if (_managed.RunsToCompletion && exitCode == 0)
            return new RunEnd.Completed();
        _log.Line($"--- {Name} ended with exit code {exitCode}");
        return new RunEnd.Died($"ended with exit code {exitCode}");
    }

    private async Task StopAsync(ChildProcess? process, bool withDependents, CancellationToken impatient)
    {
        if (withDependents)
            await Task.WhenAll(AllDependents().Select(dependent => dependent._stopped.Task));
        Update(status => status with { State = ResourceState.Stopping });
        if (process is not null)
        {
            await process.StopAsync(impatient);
            await process.DisposeAsync();
        }

        Update(status => status with { State = ResourceState.Stopped });
    }

    /// <summary>Those of its dependents too: a migration that has finished stands between a service and its database.</summary>
    private HashSet<Supervisor> AllDependents() => [.. _dependents, .. _dependents.SelectMany(dependent => dependent.AllDependents())];

    private void Update(Func<ResourceStatus, ResourceStatus> change) => _board.Update(Name, change);

    private abstract record RunEnd
    {
        private RunEnd()
        {
        }

        internal sealed record Completed : RunEnd;

        internal sealed record Died(string Reason) : RunEnd;

        internal sealed record Asked : RunEnd;
    }
}
