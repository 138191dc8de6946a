using Npgsql;

namespace HpcBilling.AppHost.Local.Postgres;

/// <summary>One database a service; nobody connects to one without having been granted it.</summary>
internal static class PostgresDatabases
{
    public static async Task EnsureAsync(NpgsqlConnection superuser, IEnumerable<string> names, CancellationToken cancellationToken)
    {
        foreach (var name in names)
        {
            await using var exists = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = $1", superuser);
            exists.Parameters.AddWithValue(name);
            if (await exists.ExecuteScalarAsync(cancellationToken) is null)
                await RunAsync(superuser, $"CREATE DATABASE {Quote(name)}", cancellationToken);
            await RunAsync(superuser, $"REVOKE ALL ON DATABASE {Quote(name)} FROM PUBLIC", cancellationToken);
        }

        await RunAsync(superuser, "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC", cancellationToken);
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
