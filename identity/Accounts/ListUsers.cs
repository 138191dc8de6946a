using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Identity.Accounts;

/// <summary>The org's accounts by name, a page at a time.</summary>
internal static class ListUsers
{
    private const int PageRows = 100;

    private const string Sql = $"""
        SELECT {UserView.Columns} FROM users
        WHERE org_id = @OrgId AND username > @After AND starts_with(username, @Prefix)
        ORDER BY username
        LIMIT @Limit
        """;

    /// <param name="caller">An admin.</param>
    /// <param name="database">Identity's.</param>
    /// <param name="clock">Tells open codes from expired ones.</param>
    /// <param name="prefix">How the usernames begin; all when it is left out.</param>
    /// <param name="cursor">As an earlier page gave it.</param>
    /// <param name="cancellation">Cancels the query.</param>
    public static async Task<IResult> HandleAsync(
        Caller caller, Database database, TimeProvider clock, string? prefix, string? cursor, CancellationToken cancellation)
    {
        if (!PageCursor.TryDecode(cursor, 1, out string[] key)) return Problems.Invalid("cursor", "must be one that a list gave");
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        var parameters = new { caller.OrgId, After = key is [var after] ? after : "", Prefix = prefix ?? "", Limit = PageRows + 1, Now = clock.GetUtcNow() };
        IReadOnlyList<UserView> rows = await tx.QueryAsync<UserView>(Sql, parameters, cancellation);
        UserView[] page = [.. rows.Take(PageRows)];
        return TypedResults.Ok(new { items = page, nextCursor = rows.Count > PageRows ? PageCursor.Encode(page[^1].Username) : null });
    }
}
