namespace HpcBilling.AppHost.Local.State;

/// <summary>Files and directories that only their owner may read, written so that a crash leaves the old or the new content.</summary>
public static class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Creates a directory with mode 0700, and corrects the mode of one that exists.</summary>
    public static string Directory(string path)
    {
        const UnixFileMode mode = OwnerOnly | UnixFileMode.UserExecute;
        System.IO.Directory.CreateDirectory(path, mode);
        File.SetUnixFileMode(path, mode);
        return path;
    }

    /// <summary>Replaces a file atomically; the new one has mode 0600 from its first byte on.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var draft = $"{path}.{Guid.NewGuid():N}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly };
        using (var stream = new FileStream(draft, options))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }

    public static bool IsOwnerOnly(string path) => File.GetUnixFileMode(path) == OwnerOnly;

    /// <inheritdoc cref="Write(string, ReadOnlySpan{byte})"/>
    public static void Write(string path, string content) => Write(path, System.Text.Encoding.UTF8.GetBytes(content));
}
