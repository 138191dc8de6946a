using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Rating.Accounting;

/// <summary>Whose rows a caller asked for, and may see.</summary>
/// <param name="Username">The owner in the SQL predicate; null for everybody of the org, which only an admin gets.</param>
internal sealed record Whose(string? Username)
{
    /// <summary>Asks for everybody.</summary>
    public const string Everybody = "*";

    /// <param name="caller">Who asks.</param>
    /// <param name="user">What the query names; the owner of a user's rows is his token's, whatever he names.</param>
    /// <param name="adminDefault">What an admin gets who names nobody.</param>
    /// <param name="refusal">Why not.</param>
    public static Whose? Of(Caller caller, string? user, string adminDefault, out ProblemHttpResult? refusal)
    {
        refusal = null;
        var asked = string.IsNullOrEmpty(user) ? (caller.IsAdmin ? adminDefault : caller.Username) : user;
        if (caller.IsAdmin) return new Whose(asked == Everybody ? null : asked);
        if (asked == caller.Username) return new Whose(caller.Username);
        refusal = Problems.Forbidden("Other users' data needs the role admin.");
        return null;
    }
}
