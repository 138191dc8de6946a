using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.AssigningTiers;

/// <summary>The price tier of a user. Usernames come from Slurm, so anybody has one, known here or not.</summary>
internal static class ReadTier
{
    public const string Sql = "SELECT tier FROM user_tiers WHERE org_id = @Org AND username = @Username";

    public static void Map(RouteGroupBuilder tiers) => tiers.MapGet("/{username}", HandleAsync);

    private static async Task<IResult> HandleAsync(
        string username, Caller caller, Database database, IOptions<RatingOptions> options, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var assigned = await transaction.ExecuteScalarAsync<string>(Sql, new { Org = caller.OrgId, Username = username }, cancellation);
        return TypedResults.Ok(new UserTier(username, assigned ?? options.Value.DefaultTier, assigned is null));
    }
}

/// <param name="Username">Unix name.</param>
/// <param name="Tier">Whose rates apply.</param>
/// <param name="IsDefault">Nobody has assigned one; the tier is the site's default.</param>
internal sealed record UserTier(string Username, string Tier, bool IsDefault);
