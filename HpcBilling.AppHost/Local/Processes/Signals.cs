using System.Runtime.InteropServices;

namespace HpcBilling.AppHost.Local.Processes;

/// <summary>Signals by their Linux numbers.</summary>
public enum Signal
{
    /// <summary>Ask in the way of Ctrl-C; PostgreSQL's fast shutdown.</summary>
    Interrupt = 2,

    /// <summary>Cannot be refused; nothing is flushed.</summary>
    Kill = 9,

    /// <summary>Ask to end.</summary>
    Terminate = 15,
}

internal static partial class Signals
{
    /// <summary>False when there is no such process, or it is not ours to signal.</summary>
    public static bool Send(ProcessIdentity process, Signal signal) => process.IsAlive && Kill(process.Pid, (int)signal) == 0;

    /// <summary>To every process of the group that the given process leads or led.</summary>
    public static bool SendToGroup(int leader, Signal signal)
    {
        // 0 and 1 would address the caller's own group and every process there is.
        ArgumentOutOfRangeException.ThrowIfLessThan(leader, 2);
        return Kill(-leader, (int)signal) == 0;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
