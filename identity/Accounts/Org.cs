using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>Tenants by their short names.</summary>
internal static class Org
{
    private const string BySlugSql = "SELECT org_id FROM orgs WHERE slug = @Slug";

    private const string SlugSql = "SELECT slug FROM orgs WHERE org_id = @OrgId";

    public static Task<Guid?> FindAsync(OrgTransaction tx, string slug, CancellationToken cancellation) =>
        tx.ExecuteScalarAsync<Guid?>(BySlugSql, new { Slug = slug }, cancellation);

    /// <returns>Short name of the transaction's org.</returns>
    public static async Task<string> SlugAsync(OrgTransaction tx, CancellationToken cancellation) =>
        await tx.ExecuteScalarAsync<string>(SlugSql, new { tx.OrgId }, cancellation) ?? "";
}
