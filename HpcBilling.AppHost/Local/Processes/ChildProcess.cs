using System.Diagnostics;

namespace HpcBilling.AppHost.Local.Processes;

/// <summary>A started process in its own session, with its output pumped line by line and an end that leaves nothing behind.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>A longer line is cut, so that a runaway child cannot fill the memory.</summary>
    private const int LineCharsMax = 16 * 1024;

    private static readonly TimeSpan DrainDeadline = TimeSpan.FromSeconds(2);
    private readonly Process _process;
    private readonly ProcessSpec _spec;
    private readonly Task _output;

    private ChildProcess(Process process, ProcessSpec spec, Action<string> line)
    {
        _process = process;
        _spec = spec;
        Identity = ProcessIdentity.Of(process.Id) ?? new ProcessIdentity(process.Id, 0, "");
        _output = Task.WhenAll(PumpAsync(process.StandardOutput, line), PumpAsync(process.StandardError, line));
        Exited = WaitAsync();
    }

    public ProcessIdentity Identity { get; }

    public Signal StopSignal => _spec.StopSignal;

    /// <summary>Completes with the exit code; 128 + signal number when a signal ended it. The rest of its group is dead by then.</summary>
    public Task<int> Exited { get; }

    public static async Task<ChildProcess> StartAsync(ProcessSpec spec, Action<string> line)
    {
        var process = await Spawner.StartAsync(spec);
        process.StandardInput.Close();
        return new ChildProcess(process, spec, line);
    }

    /// <summary>Asks, waits until the deadline of the specification, then kills the group.</summary>
    public async Task StopAsync(CancellationToken impatient = default)
    {
        Signals.Send(Identity, _spec.StopSignal);
        try
        {
            await Exited.WaitAsync(_spec.StopDeadline, impatient);
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException)
        {
            await KillAsync();
        }
    }

    public async Task KillAsync()
    {
        // Once it was waited for, its number may be another's.
        if (Exited.IsCompleted)
            return;
        Signals.SendToGroup(Identity.Pid, Signal.Kill);
        Signals.Send(Identity, Signal.Kill);
        await Exited;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
    }

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        Signals.SendToGroup(Identity.Pid, Signal.Kill);
        // Last words are worth a moment, but a grandchild in another session could hold the pipe open for ever.
        await Task.WhenAny(_output, Task.Delay(DrainDeadline));
        return _process.ExitCode;
    }

    private static async Task PumpAsync(StreamReader reader, Action<string> line)
    {
        var buffer = new char[4096];
        var pending = new System.Text.StringBuilder();
        int read;
        while ((read = await reader.ReadAsync(buffer)) > 0)
        {
            foreach (var character in buffer.AsSpan(0, read))
            {
                if (character != '\n' && pending.Length < LineCharsMax)
                    pending.Append(character);
                if (character == '\n')
                {
                    line(pending.ToString().TrimEnd('\r'));
                    pending.Clear();
                }
            }
        }

        if (pending.Length > 0)
            line(pending.ToString());
    }
}
