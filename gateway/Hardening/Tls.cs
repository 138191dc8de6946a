using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Hardening;

/// <summary>TLS 1.2 and 1.3, with the certificate of <c>Kestrel:Certificates:Default</c>: its files are read again when they change.</summary>
internal static class Tls
{
    private const string Section = "Kestrel:Certificates:Default";

    public static void AddTls(this WebApplicationBuilder builder)
    {
        IConfigurationSection section = builder.Configuration.GetSection(Section);
        bool fromFile = !string.IsNullOrEmpty(section["Path"]); // otherwise Kestrel finds one itself: of a store, or the development certificate
        if (fromFile)
        {
            builder.Services.AddSingleton(CertificateFiles.From(section, builder.Environment.ContentRootPath));
            builder.Services.AddSingleton<ServerCertificate>().AddHostedService(services => services.GetRequiredService<ServerCertificate>());
        }

        builder.Services.AddOptions<KestrelServerOptions>().Configure<IOptions<LimitOptions>, IServiceProvider>((kestrel, limits, services) =>
        {
            ServerCertificate? certificate = services.GetService<ServerCertificate>();
            kestrel.ConfigureHttpsDefaults(https =>
            {
                https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
                https.HandshakeTimeout = TimeSpan.FromSeconds(limits.Value.HandshakeSecondsMax);
                if (certificate is null) return;

                // Kestrel wants to be told who chooses; what is chosen is the certificate with its chain.
                https.ServerCertificateSelector = (_, _) => certificate.Current.TargetCertificate;
                https.OnAuthenticate = (_, handshake) =>
                {
                    handshake.ServerCertificateSelectionCallback = null;
                    handshake.ServerCertificateContext = certificate.Current;
                };
            });
        });
    }
}
