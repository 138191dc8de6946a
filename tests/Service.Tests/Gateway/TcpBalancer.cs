using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace HpcBilling.Service.Tests.Gateway;

/// <summary>Hands each new connection to the next of its targets and carries the bytes; it can be cut or stand still, as networks do.</summary>
public sealed class TcpBalancer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<TcpClient, int> clients = new();
    private readonly int[] targets;
    private readonly Task accepting;
    private volatile TaskCompletionSource moving = Moving();
    private volatile bool cut;
    private int next = -1;

    public TcpBalancer(params int[] targets)
    {
        this.targets = targets;
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Connections carried so far, for each target.</summary>
    public int[] Carried { get; } = new int[8];

    /// <summary>Ends every connection and takes no other.</summary>
    public void Cut()
    {
        cut = true;
        foreach (TcpClient client in clients.Keys) client.Client?.Close(timeout: 0); // null: it has just ended by itself
    }

    /// <summary>Bytes stay where they are; nobody is told.</summary>
    public void StandStill() => moving = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn()
    {
        cut = false;
        moving.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        listener.Stop();
        Cut();
        moving.TrySetResult();
        await accepting;
        stopping.Dispose();
    }

    private static TaskCompletionSource Moving()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await listener.AcceptTcpClientAsync(stopping.Token);
                if (cut) client.Dispose();
                else _ = CarryAsync(client, Interlocked.Increment(ref next) % targets.Length);
            }
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            // The listener was closed.
        }
    }

    private async Task CarryAsync(TcpClient client, int target)
    {
        using var server = new TcpClient { NoDelay = true };
        using (client)
        {
            clients[client] = clients[server] = target;
            Interlocked.Increment(ref Carried[target]);
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, targets[target], stopping.Token);
                await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream()), CopyAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception failure) when (failure is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                // One side has gone: so does the other.
            }
            finally
            {
                clients.TryRemove(client, out _);
                clients.TryRemove(server, out _);
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        byte[] buffer = new byte[64 * 1024];
        for (int read; (read = await from.ReadAsync(buffer, stopping.Token)) > 0;)
        {
            await moving.Task;
            await to.WriteAsync(buffer.AsMemory(0, read), stopping.Token);
        }
    }
}
