using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;

namespace HpcBilling.AppHost.Local.State;

/// <summary>
/// Loopback ports by name: the one used last time if it is free, else a random free one. They lie below the range from which the
/// kernel takes ports for outgoing connections, so that none can be lost while its server restarts.
/// </summary>
public sealed class PortBook
{
    private const int LowestPort = 15_000;
    private const int HighestPort = 32_000;
    private const int AttemptsMax = 200;
    private readonly string _path;
    private readonly Dictionary<string, int> _remembered;
    private readonly Dictionary<string, int> _taken = new(StringComparer.Ordinal);

    private PortBook(string path, Dictionary<string, int> remembered) => (_path, _remembered) = (path, remembered);

    public static PortBook Open(string path) =>
        new(path, File.Exists(path) ? JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllBytes(path)) ?? [] : []);

    public int Take(string name)
    {
        if (_taken.TryGetValue(name, out var taken))
            return taken;

        var port = _remembered.TryGetValue(name, out var known) && IsUsable(known) ? known : Pick();
        _taken[name] = _remembered[name] = port;
        PrivateFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(_remembered));
        return port;
    }

    public static bool IsFree(int port)
    {
        try
        {
            using var probe = new TcpListener(IPAddress.Loopback, port);
            probe.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private int Pick()
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(LowestPort, HighestPort);
            if (!_remembered.ContainsValue(port) && IsUsable(port))
                return port;
        }

        throw new InvalidOperationException($"No free loopback port found between {LowestPort} and {HighestPort}.");
    }

    private bool IsUsable(int port) => !_taken.ContainsValue(port) && IsFree(port);
}
