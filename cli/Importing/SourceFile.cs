namespace HpcBilling.Cli.Importing;

/// <summary>The file to import, found usable before anything is sent.</summary>
internal static class SourceFile
{
    /// <exception cref="CommandFailedException">It is missing, a directory, empty or unreadable.</exception>
    public static FileStream Open(FileInfo file)
    {
        if (Directory.Exists(file.FullName)) throw Refused(file, "it is a directory");
        if (!file.Exists) throw Refused(file, "there is no such file");
        try
        {
            FileStream stream = file.Open(new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.ReadWrite, Options = FileOptions.SequentialScan });
            if (stream is { CanSeek: true, Length: > 0 }) return stream;
            stream.Dispose();
            throw Refused(file, "it is empty");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw Refused(file, unreadable.Message);
        }
    }

    public static CommandFailedException Refused(FileInfo file, string why) =>
        new(ExitCode.Failed, $"cannot import {file}: {why}");
}
