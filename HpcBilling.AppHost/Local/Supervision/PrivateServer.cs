using System.Diagnostics;
using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;

namespace HpcBilling.AppHost.Local.Supervision;

/// <summary>One server without supervisor, for tests: start, kill, start again, stop.</summary>
public sealed class PrivateServer<T> : IAsyncDisposable
    where T : IManaged
{
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(100);
    private readonly StateDirectory _state;
    private readonly ResourceLog _log;
    private ChildProcess? _process;

    private PrivateServer(StateDirectory state, T server)
    {
        _state = state;
        Server = server;
        _log = new ResourceLog(Path.Combine(state.Logs, $"{server.Name}.log"));
    }

    public T Server { get; }

    public int Pid => _process?.Identity.Pid ?? throw new InvalidOperationException($"{Server.Name} is not running.");

    internal static async Task<PrivateServer<T>> StartAsync(string stateDirectory, Func<StateDirectory, PortBook, SecretStore, T> create)
    {
        var state = StateDirectory.Open(stateDirectory);
        try
        {
            await Leftovers.StopAsync(state);
            var server = create(state, PortBook.Open(state.File("ports.json")), SecretStore.Open(state.File("secrets.json")));
            var running = new PrivateServer<T>(state, server);
            await running.StartAsync();
            return running;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    /// <summary>Starts it on the same port and data after <see cref="KillAsync"/> or <see cref="StopAsync"/>; returns when it answers.</summary>
    public async Task StartAsync()
    {
        using var deadline = new CancellationTokenSource(ReadyDeadline);
        _process = await Server.StartAsync(_log.Line, deadline.Token);
        if (_process is not null)
            Leftovers.Record(_state, Server.Name, _process);
        while (!await AnswersAsync(deadline.Token))
        {
            if (_process is { Exited.IsCompleted: true } || deadline.IsCancellationRequested)
            {
                await StopAsync();
                throw new InvalidOperationException($"{Server.Name} did not start: {string.Join(Environment.NewLine, _log.Recent(20))}");
            }

            await Task.Delay(ProbeInterval, CancellationToken.None);
        }
    }

    /// <summary>SIGKILL: nothing is flushed, nothing is cleared away.</summary>
    public Task KillAsync() => _process?.KillAsync() ?? Task.CompletedTask;

    public Task StopAsync() => _process?.StopAsync() ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Server is IAsyncDisposable helper)
            await helper.DisposeAsync();
        Leftovers.Forget(_state, Server.Name);
        _log.Dispose();
        _state.Dispose();
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Server.ProbeAsync(cancellationToken);
            return true;
        }
        catch (Exception notYet) when (notYet is not OutOfMemoryException)
        {
            Debug.WriteLine(notYet.Message);
            return false;
        }
    }
}
