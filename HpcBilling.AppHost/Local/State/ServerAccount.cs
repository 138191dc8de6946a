using System.Globalization;
using System.Runtime.InteropServices;

namespace HpcBilling.AppHost.Local.State;

/// <summary>
/// The account PostgreSQL runs under. PostgreSQL refuses root; so root starts it as the package's own account, which must
/// then reach its data directory through every parent directory.
/// </summary>
internal static partial class ServerAccount
{
    private const UnixFileMode OwnerAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersPass = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static bool IsNeeded => Environment.IsPrivilegedProcess;

    /// <summary>0700; for root 0711, since the server's account passes through on its way to its own 0700 directory.</summary>
    public static UnixFileMode StateDirectoryMode => IsNeeded ? OwnerAll | OthersPass : OwnerAll;

    /// <summary>Where data lies when the state directory is below one that the account may not enter, such as /root.</summary>
    public static string OutsideDirectory(string stateId) => Path.Combine("/var/lib/hpcbilling", stateId);

    public static string DataParent(string statePath, string stateId)
    {
        if (!IsNeeded || IsReachable(statePath))
            return statePath;

        var outside = OutsideDirectory(stateId);
        Directory.CreateDirectory(outside);
        File.SetUnixFileMode(Path.GetDirectoryName(outside)!, OwnerAll | OthersPass);
        File.SetUnixFileMode(outside, OwnerAll | OthersPass);
        return outside;
    }

    /// <summary>Hands a file or directory to the account; does nothing for an ordinary user, who is the account.</summary>
    public static void Own(string path)
    {
        if (!IsNeeded)
            return;
        var (user, group) = Ids.Value;
        if (Chown(path, user, group) != 0)
            throw new IOException($"{path} could not be given to the account {Name}: error {Marshal.GetLastPInvokeError()}.");
    }

    public const string Name = "postgres";

    private static readonly Lazy<(uint User, uint Group)> Ids = new(() =>
    {
        var entry = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).FirstOrDefault(fields => fields[0] == Name)
            ?? throw new InvalidOperationException($"There is no account '{Name}'; the package postgresql-15 creates it.");
        return (uint.Parse(entry[2], CultureInfo.InvariantCulture), uint.Parse(entry[3], CultureInfo.InvariantCulture));
    });

    private static bool IsReachable(string path)
    {
        for (var directory = new DirectoryInfo(path); directory is not null; directory = directory.Parent)
        {
            if (!directory.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                return false;
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Chown(string path, uint user, uint group);
}
