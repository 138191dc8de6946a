using System.Security.Cryptography;
using HpcBilling.Usage.RecordingUsage;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.Polling;

/// <summary>
/// Imports the files that appear in pinned folders, each once by its content. A folder is looked at, not listened to: what appears while
/// nobody runs, or on a network share, is found all the same.
/// </summary>
internal sealed class WatchDirectories(
    Clusters clusters, ImportFile import, SourceHealth health, IOptions<UsageOptions> usage, TimeProvider clock, ILogger<WatchDirectories> log) : BackgroundService
{
    private const int FilesMax = 10_000;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => FollowChanges.AllAsync(clusters, () => clusters.Directories, WatchAsync, stoppingToken);

    private async Task WatchAsync(WatchedDirectory directory, CancellationToken stopping)
    {
        // How files were at the last look, so that none is read again for nothing; a new process reads each once more.
        Dictionary<string, Sight> seen = [];
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                seen = await LookAsync(directory, seen, stopping);
                await health.ReadableAsync(directory.Options, directory.Preference, stopping);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                await health.FailedAsync(directory.Options, directory.Preference, null, failure.Message, stopping);
            }
            catch (Exception failure) when (!stopping.IsCancellationRequested)
            {
                log.LogWarning(failure, "The folder of cluster {Cluster} could not be read", directory.Options.Cluster);
            }

            await Task.Delay(Look, clock, stopping);
        }
    }

    private async Task<Dictionary<string, Sight>> LookAsync(WatchedDirectory directory, Dictionary<string, Sight> before, CancellationToken cancellation)
    {
        var now = new Dictionary<string, Sight>(StringComparer.Ordinal);
        foreach (FileInfo file in Files(directory.Folder()))
        {
            // A file that has changed since the last look is still being written.
            bool isSettled = before.TryGetValue(file.FullName, out Sight? last) && last.Bytes == file.Length && last.WrittenAt == file.LastWriteTimeUtc;
            bool isDone = isSettled && (last!.IsDone || await TryImportAsync(directory, file, cancellation));
            now[file.FullName] = new Sight(file.Length, file.LastWriteTimeUtc, isDone);
        }

        return now;
    }

    // Of this folder alone, and nothing that leads elsewhere; names that begin with a dot are being written.
    public static IEnumerable<FileInfo> Files(string path) => new DirectoryInfo(path).EnumerateFiles()
        .Where(file => !file.Name.StartsWith('.') && file.LinkTarget is null && file.Length > 0)
        .OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal)
        .Take(FilesMax);

    private async Task<bool> TryImportAsync(WatchedDirectory directory, FileInfo file, CancellationToken cancellation)
    {
        if (file.Length > usage.Value.UploadBytesMax)
        {
            log.LogWarning("{File} has {Bytes} bytes, more than Usage:UploadBytesMax; it is left alone", file.Name, file.Length);
            return true;
        }

        await using FileStream content = new(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
        string digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation));
        content.Position = 0;
        return await import.ImportAsync(directory.Options, file.Name, content, digest, cancellation);
    }

    private sealed record Sight(long Bytes, DateTime WrittenAt, bool IsDone);
}
