using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace HpcBilling.Usage.Slurm.Rest;

/// <summary>How a slurmrestd is reached and who asks.</summary>
internal static class RestConnection
{
    // A JWT has some hundred bytes.
    private const int TokenBytesMax = 16 * 1024;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    /// <exception cref="System.Security.Cryptography.CryptographicException">A configured file holds no certificate.</exception>
    public static SocketsHttpHandler Handler(SourceOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = ConnectTimeout,
            // A replaced certificate or address is seen within this time.
            PooledConnectionLifetime = ConnectionLifetime,
        };
        if (options.Socket is { } socket) handler.ConnectCallback = (_, cancellation) => ConnectAsync(socket, cancellation);
        if (options.CaFile is { } authorities) handler.SslOptions.CertificateChainPolicy = Trusting(authorities);
        if (options.CertificateFile is { } certificate)
            handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPemFile(certificate, options.KeyFile), null);
        return handler;
    }

    /// <summary>Reads the token anew for every question: whoever replaces the file needs to tell nobody.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async Task AddTokenAsync(HttpRequestMessage request, SourceOptions options, CancellationToken cancellation)
    {
        if (options.TokenFile is not { } file) return;

        string token = await ReadTokenAsync(file, cancellation);
        if (options.User is { Length: > 0 } user)
        {
            request.Headers.Add("X-SLURM-USER-NAME", user);
            request.Headers.Add("X-SLURM-USER-TOKEN", token);
        }
        else
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    private static async Task<string> ReadTokenAsync(string file, CancellationToken cancellation)
    {
        await using FileStream stream = File.OpenRead(file);
        var bytes = new byte[TokenBytesMax + 1];
        int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        string token = Encoding.ASCII.GetString(bytes, 0, length).Trim();
        // scontrol token prints it as an assignment.
        if (token.StartsWith("SLURM_JWT=", StringComparison.Ordinal)) token = token["SLURM_JWT=".Length..];
        if (token.Length == 0 || length > TokenBytesMax || !token.All(c => c is > ' ' and <= '~')) throw new IOException($"The file {file} holds no token.");
        return token;
    }

    private static X509ChainPolicy Trusting(string authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(authorities);
        return policy;
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
