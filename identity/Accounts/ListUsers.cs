using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Identity.Accounts;

/// <summary>The org's accounts by name, a page at a time.</summary>
internal static class ListUsers
{
    private const int PageRows = 100;

    private const string Sql = """
        SELECT user_id AS id, username, role, status, created_at FROM users
        WHERE org_id = @OrgId AND username > @After
        ORDER BY username
        LIMIT @Limit
        """;

    public static async Task<IResult> HandleAsync(Caller caller, Database database, string? cursor, CancellationToken cancellation)
    {
        if (!PageCursor.TryDecode(cursor, 1, out string[] key)) return Problems.Invalid("cursor", "must be one that a list gave");
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        var parameters = new { caller.OrgId, After = key is [var after] ? after : "", Limit = PageRows + 1 };
        IReadOnlyList<UserView> rows = await tx.QueryAsync<UserView>(Sql, parameters, cancellation);
        UserView[] page = [.. rows.Take(PageRows)];
        return TypedResults.Ok(new { items = page, nextCursor = rows.Count > PageRows ? PageCursor.Encode(page[^1].Username) : null });
    }
}
