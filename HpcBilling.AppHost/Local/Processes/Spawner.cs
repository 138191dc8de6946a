using System.Collections.Concurrent;
using System.Diagnostics;

namespace HpcBilling.AppHost.Local.Processes;

/// <summary>
/// Starts every process from one thread that lives as long as this process. The kernel sends the parent-death signal when the
/// thread that started a child ends, and threads of the pool come and go.
/// </summary>
internal static class Spawner
{
    private static readonly BlockingCollection<Action> Requests = StartThread();

    public static Task<Process> StartAsync(ProcessSpec spec)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Requests.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(StartInfo(spec)) ?? throw new InvalidOperationException($"{spec.FileName} did not start."));
            }
            catch (Exception cause)
            {
                started.SetException(cause);
            }
        });
        return started.Task;
    }

    private static BlockingCollection<Action> StartThread()
    {
        var requests = new BlockingCollection<Action>();
        new Thread(() =>
        {
            foreach (var request in requests.GetConsumingEnumerable())
                request();
        })
        { IsBackground = true, Name = "spawner" }.Start();
        return requests;
    }

    private static ProcessStartInfo StartInfo(ProcessSpec spec)
    {
        // A session of its own: Ctrl-C in the terminal reaches the AppHost alone, which then stops its children in order.
        var start = new ProcessStartInfo("setsid")
        {
            UseShellExecute = false,
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var signal = spec.StopSignal == Signal.Interrupt ? "INT" : "TERM";
        string[] privileges = spec.Account is { } account && Environment.IsPrivilegedProcess
            ? ["--reuid", account, "--regid", account, "--clear-groups"]
            : [];
        foreach (var argument in (string[])["setpriv", "--pdeathsig", signal, "--no-new-privs", .. privileges, "--", spec.FileName, .. spec.Arguments])
            start.ArgumentList.Add(argument);
        ChildEnvironment.Apply(start.Environment, spec.Environment);
        return start;
    }
}
