using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Identity.Tokens;

/// <summary><c>/api/v1/signing-keys</c>: the keys behind every token of the site, for the admins of its own org.</summary>
internal static class SigningKeysApi
{
    private const string Scope = "keys.write";

    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder keys = app.MapGroup("/api/v1/signing-keys").RequireAuthorization(Policies.Admin, Policies.Scope(Scope));
        keys.MapGet("/", ListAsync);
        keys.MapPost("/", RotateAsync);
    }

    private static async Task<IResult> ListAsync(
        Caller caller, SigningKeyStore store, SigningKeys keys, TimeProvider clock, CancellationToken cancellation)
    {
        if (!IsOfTheSite(caller)) return NotYours();
        keys.Set(await store.ReadAsync(keys.Known, cancellation)); // what another replica did a moment ago
        DateTimeOffset now = clock.GetUtcNow();
        string signer = keys.Signer(now).KeyId;
        return TypedResults.Ok(new
        {
            items = keys.Known.Select(key => new { key.KeyId, Algorithm = "ES256", State = StateOf(key, signer, now), key.CreatedAt, key.SignsFrom, key.RetiresAt }),
        });
    }

    private static async Task<IResult> RotateAsync(
        Caller caller, Rotation rotation, SigningKeyStore store, SigningKeys keys, CancellationToken cancellation)
    {
        if (!IsOfTheSite(caller)) return NotYours();
        switch (await store.RotateAsync(caller, rotation.Now, cancellation))
        {
            case RotateOutcome.Rotated done:
                keys.Set(await store.ReadAsync(keys.Known, cancellation));
                return TypedResults.Created("/api/v1/signing-keys", done);
            case RotateOutcome.UnderWay wait:
                return Problems.Conflict($"A rotation is under way until {wait.SignsFrom:O}. Wait for it, or drop all keys with \"now\".");
            case var other:
                throw new InvalidOperationException($"Unknown outcome {other}");
        }
    }

    // One site, one set of keys: an admin of another org must not end everybody's tokens.
    private static bool IsOfTheSite(Caller caller) => caller.OrgId == Orgs.Default;

    private static ProblemHttpResult NotYours() => Problems.Forbidden("Signing keys belong to the site; its own admins rotate them.");

    private static string StateOf(SigningKey key, string signer, DateTimeOffset now) => key switch
    {
        _ when !key.IsPublished(now) => "retired",
        _ when key.KeyId == signer => "signing",
        _ when key.SignsFrom > now => "published",
        _ => "retiring",
    };

    private sealed record Rotation(bool Now = false);
}
