using System.Text.Json.Serialization;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Identity.Tokens;

/// <summary><c>GET|POST /connect/userinfo</c>: who the token speaks for.</summary>
internal static class UserInfo
{
    public const string Path = "/connect/userinfo";

    /// <summary>What the answer says.</summary>
    public static readonly IReadOnlyList<string> Claims = ["sub", "preferred_username", "org_id", "role"];

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Post];

    public static void Map(IEndpointRouteBuilder app) => app.MapMethods(Path, Methods, Handle).RequireAuthorization(Policies.User);

    private static JsonHttpResult<Answer> Handle(Caller caller) =>
        TypedResults.Json(new Answer(caller.UserId, caller.Username, caller.OrgId, caller.IsAdmin ? "admin" : "user"));

    private sealed record Answer(
        [property: JsonPropertyName("sub")] Guid Subject,
        [property: JsonPropertyName("preferred_username")] string Username,
        [property: JsonPropertyName("org_id")] Guid OrgId,
        [property: JsonPropertyName("role")] string Role);
}
