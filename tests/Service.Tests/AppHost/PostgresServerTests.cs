using HpcBilling.AppHost.Local.Postgres;
using HpcBilling.AppHost.Local.State;
using Npgsql;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class PostgresServerTests
{
    [Fact]
    public async Task Committed_rows_survive_a_kill_and_a_restart()
    {
        using var directory = new TemporaryDirectory();
        await using (var postgres = await PostgresServer.StartAsync(directory.File("state"), "usage"))
        {
            await RunAsync(postgres.Server.ConnectionString("usage"), "CREATE TABLE runs (id int); INSERT INTO runs VALUES (42)");
            await postgres.KillAsync();
            await postgres.StartAsync();
            Assert.Equal(42, await RunAsync(postgres.Server.ConnectionString("usage"), "SELECT id FROM runs"));
        }

        await using var later = await PostgresServer.StartAsync(directory.File("state"), "usage");
        Assert.Equal(42, await RunAsync(later.Server.ConnectionString("usage"), "SELECT id FROM runs"));
    }

    [Fact]
    public async Task Data_are_found_again_where_the_server_may_not_enter_the_state_directory()
    {
        // The home directory of root is such a place.
        using var directory = new TemporaryDirectory();
        var closed = PrivateFile.Directory(directory.File("closed"));
        var state = Path.Combine(closed, "state");
        await using (var postgres = await PostgresServer.StartAsync(state, "usage"))
            await RunAsync(postgres.Server.ConnectionString("usage"), "CREATE TABLE runs (id int)");
        await using (var later = await PostgresServer.StartAsync(state, "usage"))
            Assert.Equal(0L, await RunAsync(later.Server.ConnectionString("usage"), "SELECT count(*) FROM runs"));

        StateDirectory.Remove(state);

        Assert.Empty(Directory.EnumerateFileSystemEntries(closed));
    }

    [Fact]
    public async Task Backends_that_outlive_a_killed_server_do_not_keep_it_from_starting()
    {
        using var directory = new TemporaryDirectory();
        await using var postgres = await PostgresServer.StartAsync(directory.File("state"));
        // Computes without ever looking whether its server is still there.
        var busy = RunAsync(postgres.Server.ConnectionString("postgres"), "SELECT count(*) FROM generate_series(1, 2000000000)");
        await Eventually.IsTrueAsync(() => BusyBackends(postgres.Server) == 1, "the query runs");

        await postgres.KillAsync();
        await postgres.StartAsync();

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => busy);
        Assert.Equal(0, BusyBackends(postgres.Server));
    }

    [Fact]
    public async Task Nobody_connects_without_TLS_without_password_or_to_a_database_not_granted()
    {
        using var directory = new TemporaryDirectory();
        await using var postgres = await PostgresServer.StartAsync(directory.File("state"), "usage", "rating");
        var server = postgres.Server;
        await RunAsync(server.ConnectionString("usage"), "CREATE ROLE usage_app LOGIN PASSWORD 'right'; GRANT CONNECT ON DATABASE usage TO usage_app");

        Assert.Equal("usage_app", await RunAsync(server.ConnectionString("usage", "usage_app", "right"), "SELECT current_user::text"));
        await RefusedAsync(server.ConnectionString("usage", "usage_app", "wrong"));
        await RefusedAsync(server.ConnectionString("rating", "usage_app", "right"));
        await RefusedAsync($"Host=127.0.0.1;Port={server.Port};Database=usage;Username=usage_app;Password=right;SSL Mode=Disable;Pooling=false");
    }

    private static async Task RefusedAsync(string connectionString) =>
        await Assert.ThrowsAsync<PostgresException>(() => RunAsync(connectionString, "SELECT 1"));

    private static int BusyBackends(PostgresServer server)
    {
        using var connection = new NpgsqlConnection(server.ConnectionString("postgres") + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand("SELECT count(*)::int FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series(1, 2000000000)%' AND pid <> pg_backend_pid()", connection);
        return (int)command.ExecuteScalar()!;
    }

    private static async Task<object?> RunAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false;Command Timeout=60");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
