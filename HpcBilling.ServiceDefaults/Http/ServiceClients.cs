using System.Net.Http.Headers;
using HpcBilling.ServiceDefaults.Startup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace HpcBilling.ServiceDefaults.Http;

public static class ServiceClients
{
    /// <summary>
    /// An HTTP client named after the service, with its address from <c>services:{name}:https|http:0</c>, the caller's own token, and
    /// time limits, retries of idempotent calls and a circuit breaker.
    /// </summary>
    public static IHttpClientBuilder AddServiceClient(this WebApplicationBuilder builder, string service)
    {
        string address = builder.Configuration[$"services:{service}:https:0"]
            ?? builder.Require($"services:{service}:http:0", $"the address of the {service} service is not known");
        return builder.Services.AddHttpClient(service, client =>
            {
                client.BaseAddress = new Uri(address);
                client.Timeout = Timeout.InfiniteTimeSpan; // the pipeline below sets the limits
            })
            .AddHttpMessageHandler(services => new CallerTokenHandler(services.GetRequiredService<IHttpContextAccessor>()))
            .AddHttpMessageHandler(() => new ResilienceHandler());
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
