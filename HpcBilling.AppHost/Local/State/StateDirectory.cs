namespace HpcBilling.AppHost.Local.State;

/// <summary>
/// Where one installation keeps its secrets, certificates, data and logs. A marker file names it, so that a reset never wipes
/// a directory that is not ours; a lock file admits one AppHost at a time.
/// </summary>
public sealed class StateDirectory : IDisposable
{
    private const string MarkerName = "hpcbilling-state";
    private readonly FileStream _lock;

    private StateDirectory(string path, string id, FileStream heldLock)
    {
        Path = path;
        Id = id;
        _lock = heldLock;
    }

    public string Path { get; }

    /// <summary>Random name of this state; every process started for it carries it in its environment.</summary>
    public string Id { get; }

    public string Run => PrivateFile.Directory(File("run"));

    public string Logs => PrivateFile.Directory(File("logs"));

    public string Tls => PrivateFile.Directory(File("tls"));

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Takes the directory for this process; creates it when missing.</summary>
    /// <exception cref="StateDirectoryException">Another AppHost holds it, or it has content that is not ours.</exception>
    public static StateDirectory Open(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        var marker = System.IO.Path.Combine(full, MarkerName);
        if (!System.IO.File.Exists(marker))
            RefuseForeignContent(full);

        Directory.CreateDirectory(full);
        System.IO.File.SetUnixFileMode(full, ServerAccount.StateDirectoryMode);
        var held = Lock(full);
        if (!System.IO.File.Exists(marker))
            PrivateFile.Write(marker, Guid.NewGuid().ToString("N"));
        return new StateDirectory(full, System.IO.File.ReadAllText(marker).Trim(), held);
    }

    /// <summary>Removes everything but the marker and the lock, so that the next start is a first start.</summary>
    public void Reset()
    {
        foreach (var entry in Directory.EnumerateFileSystemEntries(Path))
        {
            if (System.IO.Path.GetFileName(entry) is MarkerName or "lock")
                continue;
            if (Directory.Exists(entry) && new DirectoryInfo(entry).LinkTarget is null)
                Directory.Delete(entry, recursive: true);
            else
                System.IO.File.Delete(entry);
        }

        if (Directory.Exists(ServerAccount.OutsideDirectory(Id)))
            Directory.Delete(ServerAccount.OutsideDirectory(Id), recursive: true);
    }

    /// <summary>Removes a state directory and what lies outside of it, for tests. Nothing may run on it.</summary>
    public static void Remove(string path)
    {
        using (var state = Open(path))
            state.Reset();
        Directory.Delete(path, recursive: true);
    }

    public void Dispose() => _lock.Dispose();

    private static void RefuseForeignContent(string full)
    {
        if (System.IO.File.Exists(full) || (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any()))
            throw new StateDirectoryException($"{full} is not empty and was not made by HpcBilling; choose another directory with --state.");
    }

    private static FileStream Lock(string full)
    {
        try
        {
            // FileShare.None is an advisory lock of the kernel: it goes with the process, however the process ends.
            return new FileStream(System.IO.Path.Combine(full, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException cause)
        {
            throw new StateDirectoryException($"Another HpcBilling AppHost is using {full}; stop it or choose another directory with --state.", cause);
        }
    }
}

/// <summary>The state directory cannot be used; the message says why and what to do.</summary>
public sealed class StateDirectoryException(string message, Exception? cause = null) : Exception(message, cause);
