using System.Net;
using System.Security.Cryptography.X509Certificates;
using HpcBilling.AppHost.Local.Tls;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>Asks a service whether it is ready, trusting the development authority besides nobody.</summary>
internal sealed class HttpProbe : IDisposable
{
    private readonly HttpClient _client;

    public HttpProbe(DevelopmentCertificates tls)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(tls.LoadAuthority());
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false };
        handler.SslOptions.CertificateChainPolicy = policy;
        _client = new HttpClient(handler);
    }

    /// <exception cref="HttpRequestException">It does not listen, or its answer is not 200.</exception>
    public async Task AskAsync(string url, CancellationToken cancellationToken)
    {
        using var response = await _client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new HttpRequestException($"{new Uri(url).AbsolutePath} answers {(int)response.StatusCode}");
    }

    public void Dispose() => _client.Dispose();
}
