using System.Text.Json;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.AspNetCore.Mvc.RazorPages.Infrastructure;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace HpcBilling.ServiceDefaults.Http;

public static class RouteList
{
    private const string RoutesWord = "routes";

    /// <summary>
    /// Serves until it is stopped. With <c>routes</c> as the first argument it says instead, as JSON, which routes the service has and
    /// who may use each: what an auditor wants to see, and what a test walks.
    /// </summary>
    public static async Task RunServiceAsync(this WebApplication app, string[] args)
    {
        if (args is not [RoutesWord, ..])
        {
            await app.RunAsync();
            return;
        }

        var routes = new List<ServiceRoute>();
        foreach (RouteEndpoint endpoint in ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>())
            routes.Add(Describe(await CompleteAsync(app, endpoint)));
        await Console.Out.WriteLineAsync(JsonSerializer.Serialize(routes, JsonSerializerOptions.Web));
    }

    // A page's attributes are known once it is loaded; until then its endpoint holds the conventions alone.
    private static async Task<RouteEndpoint> CompleteAsync(WebApplication app, RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<PageActionDescriptor>() is { } page
            && await app.Services.GetRequiredService<PageLoader>().LoadAsync(page, endpoint.Metadata) is { Endpoint: RouteEndpoint loaded }
            ? loaded
            : endpoint;

    private static ServiceRoute Describe(RouteEndpoint endpoint)
    {
        EndpointMetadataCollection metadata = endpoint.Metadata;
        IEnumerable<string> methods = metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods
            ?? metadata.GetMetadata<CompiledPageActionDescriptor>()?.HandlerMethods.Select(handler => handler.HttpMethod.ToUpperInvariant())
            ?? [];
        return new ServiceRoute(
            "/" + endpoint.RoutePattern.RawText?.TrimStart('/'),
            [.. methods.Distinct().Order(StringComparer.Ordinal)],
            metadata.GetMetadata<IAllowAnonymous>() is not null,
            [.. metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy ?? "").Where(policy => policy.Length > 0).Distinct()],
            [.. endpoint.RoutePattern.Parameters.Select(parameter => parameter.Name)],
            metadata.GetMetadata<OrgOwned>()?.Noun);
    }
}

/// <param name="Path">Route pattern.</param>
/// <param name="Methods">HTTP methods; none means any.</param>
/// <param name="IsAnonymous">Open to everybody on purpose.</param>
/// <param name="Policies">All of which a caller must meet.</param>
/// <param name="Parameters">Names of the parameters in the path.</param>
/// <param name="OrgOwned">What the id in the path names, when another org's is refused by itself.</param>
internal sealed record ServiceRoute(
    string Path, IReadOnlyList<string> Methods, bool IsAnonymous, IReadOnlyList<string> Policies, IReadOnlyList<string> Parameters, string? OrgOwned);
