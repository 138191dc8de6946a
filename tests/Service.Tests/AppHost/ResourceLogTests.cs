using HpcBilling.AppHost.Local.Processes;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class ResourceLogTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_log_never_takes_more_than_two_files_of_the_bound()
    {
        const int bound = 10_000;
        using (var log = new ResourceLog(_directory.File("usage.log"), bound))
        {
            for (var line = 0; line < 5_000; line++)
                log.Line($"line {line}");
        }

        var files = Directory.GetFiles(_directory.Path).Select(path => new FileInfo(path)).ToList();
        Assert.Equal(2, files.Count);
        Assert.All(files, file => Assert.InRange(file.Length, 1, bound + 100));
        Assert.Equal("line 4999", File.ReadLines(_directory.File("usage.log")).Last());
    }

    [Fact]
    public async Task A_reader_gets_what_was_said_and_what_is_said_next()
    {
        using var log = new ResourceLog(_directory.File("usage.log"));
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        log.Line("before");
        var read = new List<string>();

        await foreach (var line in log.FollowAsync(deadline.Token))
        {
            read.Add(line);
            if (read.Count == 2)
                break;
            log.Line("after");
        }

        Assert.Equal(["before", "after"], read);
    }

    [Fact]
    public async Task A_line_without_end_is_cut_and_the_next_one_is_whole()
    {
        var lines = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var child = await ChildProcess.StartAsync(
            new ProcessSpec { FileName = "/bin/sh", Arguments = ["-c", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo done"] }, lines.Enqueue);
        await child.Exited;

        Assert.Equal(2, lines.Count);
        Assert.InRange(lines.First().Length, 1, 20_000);
        Assert.Equal("done", lines.Last());
    }
}
