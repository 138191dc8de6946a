using System.Globalization;
using System.Text;

namespace HpcBilling.AppHost.Local.Processes;

/// <summary>The machine's processes as /proc shows them.</summary>
internal static class ProcessTable
{
    /// <summary>Processes started for a state: they carry its id in the environment they were started with.</summary>
    public static IEnumerable<ProcessIdentity> WithEnvironment(string name, string value)
    {
        var wanted = Encoding.UTF8.GetBytes($"{name}={value}");
        return Pids().Where(pid => HasEntry(pid, wanted)).Select(ProcessIdentity.Of).OfType<ProcessIdentity>();
    }

    /// <summary>Processes whose working directory is the given one, as that of every PostgreSQL backend is its data directory.</summary>
    public static IEnumerable<ProcessIdentity> WorkingIn(string directory) =>
        Pids().Where(pid => WorkingDirectory(pid) == directory).Select(ProcessIdentity.Of).OfType<ProcessIdentity>();

    private static IEnumerable<int> Pids()
    {
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid != Environment.ProcessId)
                yield return pid;
        }
    }

    private static bool HasEntry(int pid, byte[] wanted)
    {
        try
        {
            var environment = File.ReadAllBytes($"/proc/{pid}/environ").AsSpan();
            foreach (var range in environment.Split((byte)0))
            {
                if (environment[range].SequenceEqual(wanted))
                    return true;
            }
        }
        catch (Exception closed) when (closed is IOException or UnauthorizedAccessException)
        {
            // Gone, or another user's.
        }

        return false;
    }

    private static string? WorkingDirectory(int pid)
    {
        try
        {
            return new DirectoryInfo($"/proc/{pid}/cwd").LinkTarget;
        }
        catch (Exception closed) when (closed is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
