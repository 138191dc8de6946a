using System.Diagnostics;
using System.Text.Json;
using HpcBilling.AppHost.Local.State;

namespace HpcBilling.AppHost.Local.Processes;

/// <summary>
/// Finds and ends what an AppHost that was killed left running: by the pid and start time it recorded, and, for children of
/// children, by the state's id in their environment.
/// </summary>
public static class Leftovers
{
    /// <summary>Every child has it; the value is the id of its state directory.</summary>
    public const string StateVariable = "HPCBILLING_STATE_ID";

    private static readonly TimeSpan PoliteDeadline = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan KillDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    public static void Record(StateDirectory state, string resource, ChildProcess process) =>
        PrivateFile.Write(PathOf(state, resource), JsonSerializer.SerializeToUtf8Bytes(new Leftover(process.Identity, process.StopSignal)));

    public static void Forget(StateDirectory state, string resource) => File.Delete(PathOf(state, resource));

    /// <summary>Ends them politely, then by force. Call while holding the state directory, before anything is started.</summary>
    /// <returns>How many there were.</returns>
    public static async Task<int> StopAsync(StateDirectory state, CancellationToken cancellationToken = default)
    {
        var recorded = Recorded(state).Where(leftover => leftover.Process.IsAlive).ToList();
        foreach (var (process, stopSignal) in recorded)
            Signals.Send(process, stopSignal);
        var unrecorded = ProcessTable.WithEnvironment(StateVariable, state.Id).Except(recorded.Select(leftover => leftover.Process)).ToList();
        foreach (var process in unrecorded)
            Signals.Send(process, Signal.Terminate);

        List<ProcessIdentity> left = [.. recorded.Select(leftover => leftover.Process), .. unrecorded];
        if (!await GoneAsync(left, PoliteDeadline, cancellationToken))
        {
            foreach (var process in left)
                Signals.Send(process, Signal.Kill);
            if (!await GoneAsync(left, KillDeadline, cancellationToken))
                throw new InvalidOperationException($"Processes of an earlier run cannot be ended: {string.Join(", ", left.Where(p => p.IsAlive).Select(p => p.Pid))}.");
        }

        foreach (var record in Directory.EnumerateFiles(state.Run, "*.pid.json"))
            File.Delete(record);
        return left.Count;
    }

    private static async Task<bool> GoneAsync(List<ProcessIdentity> processes, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        while (processes.Any(process => process.IsAlive))
        {
            if (watch.Elapsed > deadline)
                return false;
            await Task.Delay(PollInterval, cancellationToken);
        }

        return true;
    }

    private static IEnumerable<Leftover> Recorded(StateDirectory state)
    {
        foreach (var path in Directory.EnumerateFiles(state.Run, "*.pid.json"))
        {
            if (Parse(path) is { } leftover)
                yield return leftover;
        }
    }

    private static Leftover? Parse(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<Leftover>(File.ReadAllBytes(path));
        }
        catch (JsonException)
        {
            return null; // Not one of our records; the id in the environment still finds the process.
        }
    }

    private static string PathOf(StateDirectory state, string resource) => Path.Combine(state.Run, $"{resource}.pid.json");

    private sealed record Leftover(ProcessIdentity Process, Signal StopSignal);
}
