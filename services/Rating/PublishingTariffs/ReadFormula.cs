using HpcBilling.Rating.RatingUsage;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace HpcBilling.Rating.PublishingTariffs;

/// <summary>The rates in force now, for anybody; a client that has them already is told so.</summary>
internal static class ReadFormula
{
    public static void Map(IEndpointRouteBuilder app) => app.MapGet("/formula", HandleAsync).AllowAnonymous();

    private static async Task<IResult> HandleAsync(
        string? type, HttpContext http, Database database, TimeProvider clock, IOptions<RatingOptions> options, CancellationToken cancellation)
    {
        type ??= options.Value.DefaultTier;
        if (!options.Value.TierNames.Contains(type, StringComparer.Ordinal)) return Problems.NotFound("tier");

        await using var transaction = await database.BeginAsync(VisitorOrg.Of(http), cancellation);
        var tariffs = await PriceBook.TariffsAsync(transaction, cancellation);
        if (tariffs.InForce(type, clock.GetUtcNow()) is not { } tariff) return Problems.NotFound("tariff in force");

        var view = TariffView.Of(tariff);
        http.Response.Headers.ETag = view.ETag;
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.Headers.Vary = HeaderNames.Authorization;
        var known = http.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Tag == "*" || tag.Tag == view.ETag);
        return known ? TypedResults.StatusCode(StatusCodes.Status304NotModified) : TypedResults.Ok(view);
    }
}

/// <summary>The tenant of a page that needs no sign-in: the token's where there is one, otherwise the site's only one.</summary>
internal static class VisitorOrg
{
    public static Guid Of(HttpContext http) => http.User.Identity?.IsAuthenticated == true ? Caller.From(http).OrgId : Orgs.Default;
}
