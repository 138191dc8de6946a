using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Tenancy;

/// <summary>Every table of every migrated database, as PostgreSQL itself describes it: who may see which rows.</summary>
[Collection(nameof(Servers))]
[Trait("Control", "AUTHZ-05")]
public sealed class TableWalkTests(Servers servers)
{
    private const string TablesSql = """
        SELECT relname AS name, relrowsecurity AS is_guarded, relforcerowsecurity AS is_forced,
            EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND a.attnotnull) AS has_org,
            coalesce((SELECT string_agg(coalesce(pg_get_expr(polqual, polrelid), 'nothing') || coalesce(' WITH CHECK ' || pg_get_expr(polwithcheck, polrelid), ''), E'\n')
                      FROM pg_policy WHERE polrelid = c.oid), '') AS policies
        FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'schema_migrations'
        """;

    // The only three things that a policy may say: the transaction's own org; a worker besides; or one row, by its id, to a transaction of no org.
    private static readonly string[] Allowed = ["(org_id = current_org())", "((org_id = current_org()) OR is_worker())"];

    [Theory]
    [InlineData("Identity")]
    [InlineData("Usage")]
    [InlineData("Rating")]
    [InlineData("Payment")]
    [InlineData("Audit")]
    public async Task Every_table_shows_an_org_its_own_rows_alone(string project)
    {
        await using RunningService service = await MigratedAsync(project);
        IReadOnlyList<Table> tables = await service.QueryAsync<Table>(TablesSql);
        Assert.Contains(tables, table => table.Name == "outbox");
        Assert.Empty(tables.Where(table => !IsClosed(table)).Select(table => $"{table.Name}: {table.Policies}"));
    }

    [Theory]
    [InlineData("CREATE TABLE extra (org_id uuid NOT NULL)")]
    [InlineData("CREATE TABLE extra (org_id uuid NOT NULL); ALTER TABLE extra ENABLE ROW LEVEL SECURITY; CREATE POLICY tenant ON extra USING (org_id = current_org())")]
    [InlineData("CREATE TABLE extra (id uuid); ALTER TABLE extra ENABLE ROW LEVEL SECURITY; ALTER TABLE extra FORCE ROW LEVEL SECURITY; CREATE POLICY tenant ON extra USING (id = current_org())")]
    [InlineData("CREATE TABLE extra (org_id uuid NOT NULL); ALTER TABLE extra ENABLE ROW LEVEL SECURITY; ALTER TABLE extra FORCE ROW LEVEL SECURITY; CREATE POLICY tenant ON extra USING (org_id = current_org()); CREATE POLICY more ON extra USING (true)")]
    public async Task A_table_that_is_open_in_any_way_is_found(string sql)
    {
        await using RunningService service = await servers.PrepareServiceAsync("MessagingProbe");
        await service.ExecuteAsync(sql);
        Assert.Equal(["extra"], (await service.QueryAsync<Table>(TablesSql)).Where(table => !IsClosed(table)).Select(table => table.Name));
    }

    private Task<RunningService> MigratedAsync(string project) => servers.PrepareServiceAsync(project, new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["DataProtection__MasterKey"] = Convert.ToBase64String(new byte[64]),
        ["Identity__SigningKey"] = servers.Issuer.SigningKeyPem,
        ["Identity__GatewayClientSecret"] = Site.GatewaySecret,
    });

    private static bool IsClosed(Table table)
    {
        string[] policies = table.Policies.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return table is { IsGuarded: true, IsForced: true, HasOrg: true } && policies.Any(Allowed.Contains)
            && policies.All(policy => Allowed.Contains(policy) || IsQuestion(policy));
    }

    private static bool IsQuestion(string policy) =>
        policy.StartsWith("((current_org() IS NULL) AND (", StringComparison.Ordinal) && policy.EndsWith("id = asked_id()))", StringComparison.Ordinal)
        && !policy.Contains(" OR ", StringComparison.Ordinal);

    private sealed record Table(string Name, bool IsGuarded, bool IsForced, bool HasOrg, string Policies);
}
