using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HpcBilling.ServiceDefaults.Data;

/// <summary>Applies the numbered scripts once each, as the owner role, under an advisory lock.</summary>
internal sealed class Migrator(MigrationPlan plan, ILogger<Migrator> log)
{
    // Any number that nothing else in the database uses.
    private const long LockKey = 0x6870_6362_6d69_6772;

    private const string HistorySql = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            name text PRIMARY KEY,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """;

    public async Task RunAsync(CancellationToken cancellation)
    {
        if (plan.ServingConnection.Length == 0)
            throw new InvalidOperationException($"ConnectionStrings:{plan.Database} is missing: it names the role that serves, and its password.");
        string ownerConnection = plan.OwnerConnection
            ?? throw new InvalidOperationException($"ConnectionStrings:{plan.Database}-owner is missing: migrations run under a role of their own.");
        await using var connection = new NpgsqlConnection(ownerConnection);
        await connection.OpenAsync(cancellation);
        await connection.ExecuteAsync("SELECT pg_advisory_lock(@LockKey)", new { LockKey });

        var serving = new NpgsqlConnectionStringBuilder(plan.ServingConnection);
        await DatabaseRoles.EnsureAsync(connection, plan.Database, serving, cancellation);
        await connection.ExecuteAsync(HistorySql);
        await DatabaseRoles.HideHistoryAsync(connection, plan.Database);
        var applied = (await connection.QueryAsync<(string Name, string Checksum)>("SELECT name, checksum FROM schema_migrations"))
            .ToDictionary(row => row.Name, row => row.Checksum, StringComparer.Ordinal);

        foreach ((string name, string sql) in Scripts())
        {
            string checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql)));
            if (applied.TryGetValue(name, out string? known))
            {
                if (known != checksum) throw new InvalidOperationException($"Migration {name} was changed after it ran; write a new one instead.");
                continue;
            }

            await ApplyAsync(connection, name, sql, checksum, cancellation);
        }
    }

    private async Task ApplyAsync(NpgsqlConnection connection, string name, string sql, string checksum, CancellationToken cancellation)
    {
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(sql, transaction: transaction, commandTimeout: 0, cancellationToken: cancellation));
        await connection.ExecuteAsync(
            "INSERT INTO schema_migrations (name, checksum) VALUES (@Name, @Checksum)", new { Name = name, Checksum = checksum }, transaction);
        await transaction.CommitAsync(cancellation);
        log.LogInformation("Applied migration {Migration} to {Database}", name, plan.Database);
    }

    private IEnumerable<(string Name, string Sql)> Scripts() =>
        ScriptsOf(typeof(Migrator).Assembly, "defaults/").Concat(ScriptsOf(plan.Scripts, ""));

    private static IEnumerable<(string Name, string Sql)> ScriptsOf(Assembly assembly, string prefix) =>
        from resource in assembly.GetManifestResourceNames()
        where resource.EndsWith(".sql", StringComparison.Ordinal)
        let file = string.Join('.', resource.Split('.')[^2..])
        orderby file
        select (prefix + file, Read(assembly, resource));

    private static string Read(Assembly assembly, string resource)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }
}
