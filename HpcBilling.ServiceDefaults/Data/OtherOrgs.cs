using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;

namespace HpcBilling.ServiceDefaults.Data;

/// <summary>
/// Tells an id that nobody has from one that another org has. The first is not found; who asks for the second is refused, and the
/// attempt is in his org's log.
/// </summary>
public static class OtherOrgs
{
    /// <summary>Answers 403 instead of 404 when the id in the route is another org's.</summary>
    /// <param name="route">A route whose handler answers 404 for what is not the caller's.</param>
    /// <param name="thing">What the id names.</param>
    /// <param name="parameter">Name of the route parameter with the id.</param>
    public static RouteHandlerBuilder RefusesOtherOrgs(this RouteHandlerBuilder route, OrgOwned thing, string parameter = "id") =>
        route.WithMetadata(thing).AddEndpointFilter(async (context, next) =>
        {
            object? answer = await next(context);
            HttpContext http = context.HttpContext;
            if (answer is not IStatusCodeHttpResult { StatusCode: StatusCodes.Status404NotFound }
                || !Guid.TryParse(http.Request.RouteValues[parameter]?.ToString(), out Guid id)) return answer;
            var database = http.RequestServices.GetRequiredService<Database>();
            return await database.RefuseOtherOrgAsync(thing, id, Caller.From(http), http.RequestAborted) ?? answer;
        });

    /// <returns>403, and the attempt is audited; null when no other org has that id.</returns>
    public static async Task<ProblemHttpResult?> RefuseOtherOrgAsync(
        this Database database, OrgOwned thing, Guid id, Caller caller, CancellationToken cancellation)
    {
        await using (OrgTransaction asking = await database.BeginAskingAsync(id, cancellation))
        {
            Guid? owner = await asking.ExecuteScalarAsync<Guid?>(thing.OrgSql, new { Id = id }, cancellation);
            if (owner is null || owner == caller.OrgId) return null;
        }

        await using OrgTransaction own = await database.BeginAsync(caller.OrgId, cancellation);
        await own.AuditAsync(caller.Act("access.denied", $"{thing.Noun.Replace(' ', '-')}:{id}"), cancellation);
        await own.CommitAsync(cancellation);
        return Problems.Forbidden($"This {thing.Noun} belongs to another organisation.");
    }
}

/// <summary>Something with an id that belongs to one org.</summary>
/// <param name="Noun">Its word for people: <c>receipt</c>.</param>
/// <param name="OrgSql">Selects the <c>org_id</c> for <c>@Id</c>; its table has a policy for <c>asked_id()</c>.</param>
public sealed record OrgOwned(string Noun, string OrgSql);
