using System.Globalization;
using HpcBilling.Rating.RatingUsage;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.AssigningTiers;

/// <summary>Moves a user to a price tier and reprices what he has not been billed for, in one transaction.</summary>
internal static class AssignTier
{
    private const int UsernameLengthMax = 128;

    private const string AssignSql = """
        INSERT INTO user_tiers (org_id, username, tier, assigned_by, assigned_at) VALUES (@Org, @Username, @Tier, @By, @At)
        ON CONFLICT (org_id, username) DO UPDATE SET tier = excluded.tier, assigned_by = excluded.assigned_by, assigned_at = excluded.assigned_at
        """;

    public static void Map(RouteGroupBuilder tiers) =>
        tiers.MapPut("/{username}", HandleAsync).RequireAuthorization(Policies.Scope("tariffs.write"));

    private static async Task<IResult> HandleAsync(
        string username, Request request, Caller caller, Database database, Repricing repricing, TimeProvider clock,
        IOptions<RatingOptions> options, CancellationToken cancellation)
    {
        if (username.Length > UsernameLengthMax) return Problems.Invalid("username", $"must have at most {UsernameLengthMax} characters");
        if (request.Tier is not { } tier || !options.Value.TierNames.Contains(tier, StringComparer.Ordinal))
            return Problems.Invalid("tier", $"must be one of: {string.Join(", ", options.Value.TierNames)}");

        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        await PriceBook.ChangeAsync(transaction, cancellation);
        var args = new { Org = caller.OrgId, Username = username, Tier = tier, By = caller.Username, At = Microseconds.Truncate(clock.GetUtcNow()) };
        var old = await transaction.ExecuteScalarAsync<string>(ReadTier.Sql, args, cancellation);
        var changed = new UserTier(username, tier, IsDefault: false);
        if (old == tier) return TypedResults.Ok(changed);

        await transaction.ExecuteAsync(AssignSql, args, cancellation);
        var repriced = await repricing.OfUserAsync(username, transaction, cancellation);
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["oldTier"] = old ?? options.Value.DefaultTier,
            ["newTier"] = tier,
            ["repricedRuns"] = repriced.ToString(CultureInfo.InvariantCulture),
        };
        await transaction.AuditAsync(caller.Act("tier.changed", $"user:{username}", details), cancellation);
        await transaction.CommitAsync(cancellation);
        return TypedResults.Ok(changed);
    }

    internal sealed record Request(string? Tier);
}
