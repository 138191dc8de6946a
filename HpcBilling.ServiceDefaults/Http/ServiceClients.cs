using System.Net.Http.Headers;
using HpcBilling.ServiceDefaults.Startup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace HpcBilling.ServiceDefaults.Http;

public static class ServiceClients
{
    public const string PatientSuffix = "-patient";
    private static readonly TimeSpan ConsentTimeMax = TimeSpan.FromSeconds(30);

    /// <summary>
    /// An HTTP client named after the service, with its address from <c>services:{name}:https|http:0</c>, the caller's own token, and
    /// time limits, retries of idempotent calls and a circuit breaker.
    /// </summary>
    public static IHttpClientBuilder AddServiceClient(this WebApplicationBuilder builder, string service) =>
        builder.AddClient(service, service).AddHttpMessageHandler(() => new ResilienceHandler());

    /// <summary>
    /// Besides, one named <c>{service}-patient</c>, for what takes its time and is not to be repeated: an upload, a trial. Whoever calls sets the limit.
    /// A body that waits for the service's consent (<c>Expect: 100-continue</c>) is not sent to one that refuses it.
    /// </summary>
    public static IHttpClientBuilder AddPatientServiceClient(this WebApplicationBuilder builder, string service) =>
        builder.AddClient(service, service + PatientSuffix)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { Expect100ContinueTimeout = ConsentTimeMax, AllowAutoRedirect = false, UseCookies = false });

    private static IHttpClientBuilder AddClient(this WebApplicationBuilder builder, string service, string name)
    {
        string address = builder.Configuration[$"services:{service}:https:0"]
            ?? builder.Require($"services:{service}:http:0", $"the address of the {service} service is not known");
        return builder.Services.AddHttpClient(name, client =>
            {
                client.BaseAddress = new Uri(address);
                client.Timeout = Timeout.InfiniteTimeSpan; // the pipeline of handlers, or the caller, sets the limits
            })
            .AddHttpMessageHandler(services => new CallerTokenHandler(services.GetRequiredService<IHttpContextAccessor>()));
    }
}

/// <summary>Asks in the name of the caller: forwards the token of the request being served.</summary>
internal sealed class CallerTokenHandler(IHttpContextAccessor accessor) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string? header = accessor.HttpContext?.Request.Headers.Authorization;
        if (request.Headers.Authorization is null && AuthenticationHeaderValue.TryParse(header, out AuthenticationHeaderValue? token))
            request.Headers.Authorization = token;
        return base.SendAsync(request, cancellationToken);
    }
}
