using System.Globalization;

namespace HpcBilling.AppHost.Local.Processes;

/// <summary>
/// One process beyond doubt: a process id alone is reused, with its start time (clock ticks since boot) and the boot it is not.
/// </summary>
public sealed record ProcessIdentity(int Pid, long StartTicks, string BootId)
{
    private static readonly Lazy<string> CurrentBoot = new(() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim());

    public bool IsAlive => Of(Pid) is { } now && now == this;

    /// <summary>Null when there is no such process, or only its exit status is left.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        if (StatFields(pid) is not { } fields || fields[0] is "Z" or "X")
            return null;
        return new ProcessIdentity(pid, long.Parse(fields[19], CultureInfo.InvariantCulture), CurrentBoot.Value);
    }

    /// <summary>Fields of /proc/pid/stat from the third on; the second, the name, may itself hold blanks and brackets.</summary>
    private static string[]? StatFields(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
