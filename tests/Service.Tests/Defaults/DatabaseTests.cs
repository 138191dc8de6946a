using Dapper;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using Npgsql;

namespace HpcBilling.Service.Tests.Defaults;

[Collection(nameof(Servers))]
public sealed class DatabaseTests(Servers servers)
{
    [Fact]
    [Trait("Control", "DATA-04")]
    public async Task The_serving_role_owns_nothing_and_changes_no_schema()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        await using NpgsqlConnection serving = await ServingAsync(probe);
        string[] refused =
        [
            "CREATE TABLE own (id int)", "DROP TABLE outbox", "ALTER TABLE outbox DISABLE ROW LEVEL SECURITY", "TRUNCATE outbox",
            "CREATE EXTENSION pgcrypto", "CREATE ROLE mallory", "SET ROLE probe_owner", "DELETE FROM schema_migrations",
        ];
        foreach (string statement in refused)
        {
            PostgresException refusal = await Assert.ThrowsAsync<PostgresException>(() => serving.ExecuteAsync(statement));
            Assert.True(refusal.SqlState == PostgresErrorCodes.InsufficientPrivilege, $"{statement}: {refusal.MessageText}");
        }
    }

    [Fact]
    [Trait("Control", "AUTHZ-05")]
    public async Task A_query_that_forgets_the_tenant_sees_its_own_org_alone_and_without_a_setting_nothing()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        Guid other = Guid.CreateVersion7();
        await probe.ExecuteAsync("INSERT INTO effects (org_id, receipt_id) VALUES (@Mine, @Mine), (@Other, @Other)", new { Mine = Orgs.Default, Other = other });
        await using NpgsqlConnection serving = await ServingAsync(probe);
        Assert.Empty(await serving.QueryAsync<Guid>("SELECT org_id FROM effects"));

        await using NpgsqlTransaction transaction = await serving.BeginTransactionAsync();
        await serving.ExecuteAsync("SELECT set_config('app.org_id', @Org, true)", new { Org = Orgs.Default.ToString() });
        Assert.Equal([Orgs.Default], await serving.QueryAsync<Guid>("SELECT org_id FROM effects"));
        PostgresException refusal = await Assert.ThrowsAsync<PostgresException>(() =>
            serving.ExecuteAsync("INSERT INTO effects (org_id, receipt_id) VALUES (@Other, @Other)", new { Other = other }));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refusal.SqlState);
    }

    [Fact]
    public async Task A_transaction_that_is_given_back_twice_leaves_the_next_one_alone()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(probe.Settings["ConnectionStrings__probe"] + ";Maximum Pool Size=1");
        var database = new Database(source, new ServiceIdentity("probe"), TimeProvider.System);
        OrgTransaction refused = await database.BeginAsync(Orgs.Default, CancellationToken.None);
        await refused.DisposeAsync();
        await using OrgTransaction next = await database.BeginAsync(Orgs.Default, CancellationToken.None);
        await next.ExecuteAsync("INSERT INTO effects (org_id, receipt_id) VALUES (@OrgId, @OrgId)", new { next.OrgId }, CancellationToken.None);
        await refused.DisposeAsync();
        await next.CommitAsync(CancellationToken.None);
        Assert.Equal(1, await probe.ScalarAsync<long>("SELECT count(*) FROM effects"));
    }

    [Fact]
    public async Task Migrating_again_changes_nothing_and_a_changed_migration_is_refused()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        IReadOnlyList<DateTime> applied = await probe.QueryAsync<DateTime>("SELECT applied_at FROM schema_migrations ORDER BY name");
        await probe.MigrateAsync();
        Assert.Equal(applied, await probe.QueryAsync<DateTime>("SELECT applied_at FROM schema_migrations ORDER BY name"));
        Assert.NotEmpty(applied);

        await probe.ExecuteAsync("UPDATE schema_migrations SET checksum = 'other' WHERE name = '0001_effects.sql'");
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(probe.MigrateAsync);
        Assert.Contains("0001_effects.sql was changed after it ran", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_without_its_connection_string_says_which_one_is_missing()
    {
        await using RunningService probe = await servers.PrepareServiceAsync("MessagingProbe");
        probe.Settings.Remove("ConnectionStrings__probe");
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(probe.StartAsync);
        Assert.Contains("ConnectionStrings:probe is missing", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task<NpgsqlConnection> ServingAsync(RunningService probe)
    {
        var connection = new NpgsqlConnection(probe.Settings["ConnectionStrings__probe"]);
        await connection.OpenAsync();
        return connection;
    }
}
