using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Benchmarks;

/// <summary>What the gateway adds to a request whose session it knows: the same service asked directly and through the gateway, turn by turn.</summary>
internal static class GatewayOverhead
{
    private const int Rounds = 3;
    private const int WarmUp = 2_000;
    private const string Path = "/api/v1/usage";
    private static readonly int[] Clients = [1, 16];

    public static async Task<int> RunAsync()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hpcb-bench-gateway-");
        await using WebApplication service = await StartServiceAsync();
        int port = FreePort();
        using Process gateway = StartGateway(folder, service.Urls.Single(), port);
        try
        {
            using HttpClient direct = Client(new Uri(service.Urls.Single()), HttpVersion.Version11);
            using HttpClient through = Client(new Uri($"https://localhost:{port}"), HttpVersion.Version11);
            using HttpClient throughTwo = Client(new Uri($"https://localhost:{port}"), HttpVersion.Version20);
            await UntilItAnswersAsync(through, gateway);
            List<string[]> rows = [];
            foreach (int clients in Clients)
            {
                foreach ((string name, HttpClient client) in new[] { ("direct", direct), ("gateway, HTTP/1.1", through), ("gateway, HTTP/2", throughTwo) })
                {
                    await MeasureAsync(client, clients, WarmUp);
                    rows.Add(Row(name, clients, await BestAsync(client, clients)));
                }
            }

            Table.Print(["", "clients", "requests/s", "p50 ms", "p99 ms"], rows);
            return 0;
        }
        finally
        {
            gateway.Kill();
            await gateway.WaitForExitAsync();
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Figures> BestAsync(HttpClient client, int clients)
    {
        Figures? best = null;
        for (int round = 0; round < Rounds; round++)
        {
            Figures figures = await MeasureAsync(client, clients, clients == 1 ? 5_000 : 20_000);
            if (best is null || figures.PerSecond > best.PerSecond) best = figures;
        }

        return best!;
    }

    private static async Task<Figures> MeasureAsync(HttpClient client, int clients, int requests)
    {
        long[][] taken = new long[clients][];
        long began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async number =>
        {
            taken[number] = new long[requests / clients];
            for (int index = 0; index < taken[number].Length; index++)
            {
                long asked = Stopwatch.GetTimestamp();
                using HttpResponseMessage answer = await client.GetAsync(Path);
                answer.EnsureSuccessStatusCode();
                taken[number][index] = Stopwatch.GetTimestamp() - asked;
            }
        }));
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        long[] all = [.. taken.SelectMany(times => times).Order()];
        return new Figures(all.Length / seconds, Milliseconds(all[all.Length / 2]), Milliseconds(all[all.Length * 99 / 100]));
    }

    private static double Milliseconds(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;

    private static string[] Row(string name, int clients, Figures figures) =>
    [
        name, clients.ToString(CultureInfo.InvariantCulture), figures.PerSecond.ToString("N0", CultureInfo.InvariantCulture),
        figures.MedianMs.ToString("0.00", CultureInfo.InvariantCulture), figures.P99Ms.ToString("0.00", CultureInfo.InvariantCulture),
    ];

    /// <summary>A service with next to nothing to do, and identity's answer to the one exchange of every ten seconds.</summary>
    private static async Task<WebApplication> StartServiceAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        string token = $"{Part(new { alg = "none", typ = "at+jwt" })}.{Part(new { iss = "bench", sub = "01900000-0000-7000-8000-00000000000a", aud = new[] { "rating" } })}.c2ln";
        app.MapPost("/connect/token", () => Results.Json(new { access_token = token, expires_in = 300 }));
        app.MapGet(Path, () => Results.Json(new { items = Array.Empty<string>(), nextCursor = (string?)null }));
        await app.StartAsync();
        return app;

        static string Part(object part) => System.Buffers.Text.Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(part));
    }

    private static Process StartGateway(DirectoryInfo folder, string service, int port)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        string certificateFile = System.IO.Path.Combine(folder.FullName, "tls.crt");
        string keyFile = System.IO.Path.Combine(folder.FullName, "tls.key");
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());

        var start = new ProcessStartInfo("dotnet", [GatewayAssembly()]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ASPNETCORE_URLS"] = $"https://localhost:{port}";
        start.Environment["Kestrel__Certificates__Default__Path"] = certificateFile;
        start.Environment["Kestrel__Certificates__Default__KeyPath"] = keyFile;
        start.Environment["DataProtection__MasterKey"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));
        start.Environment["Gateway__ClientSecret"] = RandomNumberGenerator.GetHexString(64);
        start.Environment["Gateway__RateLimits__GeneralPerMinute"] = "1000000";
        foreach (string name in new[] { "identity", "portal", "admin", "rating", "usage", "payment", "audit" }) start.Environment[$"services__{name}__http__0"] = service;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static string GatewayAssembly()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        string configuration = folder.Parent!.Name;
        while (!File.Exists(System.IO.Path.Combine(folder.FullName, "HpcBilling.sln"))) folder = folder.Parent!;
        return System.IO.Path.Combine(folder.FullName, "gateway", "bin", configuration, "net10.0", "HpcBilling.Gateway.dll");
    }

    private static HttpClient Client(Uri address, Version version)
    {
        var handler = new SocketsHttpHandler { UseCookies = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost";
        var client = new HttpClient(handler) { BaseAddress = address, DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        client.DefaultRequestHeaders.Add("Cookie", "__Host-session=" + new string('a', 43));
        client.DefaultRequestHeaders.Add("Accept", "application/json");
        return client;
    }

    private static async Task UntilItAnswersAsync(HttpClient client, Process gateway)
    {
        for (int attempt = 0; attempt < 300 && !gateway.HasExited; attempt++)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(Path);
                answer.EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(100);
            }
        }

        throw new InvalidOperationException("The gateway did not answer: build it in the same configuration first.");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed record Figures(double PerSecond, double MedianMs, double P99Ms);
}
