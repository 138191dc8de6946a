using System.Threading.Channels;

namespace HpcBilling.AppHost.Local.Processes;

/// <summary>One resource's output: a file of bounded size with one predecessor, the last lines in memory, and live readers.</summary>
public sealed class ResourceLog : IDisposable
{
    public const long FileBytesMax = 10 * 1024 * 1024;
    private const int LinesKept = 1000;
    private const int ReaderBacklogMax = 2000;
    private readonly Lock _gate = new();
    private readonly Queue<string> _recent = new();
    private readonly List<Channel<string>> _readers = [];
    private readonly List<Action<string>> _listeners = [];
    private readonly string _path;
    private readonly long _fileBytesMax;
    private StreamWriter _file;

    public ResourceLog(string path, long fileBytesMax = FileBytesMax)
    {
        _path = path;
        _fileBytesMax = fileBytesMax;
        _file = Open(path);
    }

    /// <summary>Passes on every line as it comes, under the log's lock: the listener must be quick.</summary>
    public void Listen(Action<string> listener)
    {
        lock (_gate)
            _listeners.Add(listener);
    }

    public void Line(string line)
    {
        lock (_gate)
        {
            if (_file.BaseStream.Length > _fileBytesMax)
                Rotate();
            _file.WriteLine(line);
            _recent.Enqueue(line);
            if (_recent.Count > LinesKept)
                _recent.Dequeue();
            foreach (var reader in _readers)
                reader.Writer.TryWrite(line);
            foreach (var listener in _listeners)
                listener(line);
        }
    }

    public IReadOnlyList<string> Recent(int lines = LinesKept)
    {
        lock (_gate)
            return [.. _recent.TakeLast(lines)];
    }

    /// <summary>The lines kept, then those that come; a reader that falls behind loses the oldest.</summary>
    public async IAsyncEnumerable<string> FollowAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<string>(new BoundedChannelOptions(ReaderBacklogMax) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (_gate)
        {
            foreach (var line in _recent)
                channel.Writer.TryWrite(line);
            _readers.Add(channel);
        }

        try
        {
            await foreach (var line in channel.Reader.ReadAllAsync(cancellationToken))
                yield return line;
        }
        finally
        {
            lock (_gate)
                _readers.Remove(channel);
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _file.Dispose();
    }

    private void Rotate()
    {
        _file.Dispose();
        File.Move(_path, _path + ".1", overwrite: true);
        _file = Open(_path);
    }

    private static StreamWriter Open(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        return new StreamWriter(path, options) { AutoFlush = true };
    }
}
