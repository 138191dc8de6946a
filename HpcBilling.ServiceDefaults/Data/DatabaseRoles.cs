using Dapper;
using Npgsql;

namespace HpcBilling.ServiceDefaults.Data;

/// <summary>The two roles of a service's database: one owns the tables, the other may only read and write rows.</summary>
internal static class DatabaseRoles
{
    private const string IsSuperuserSql = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
    private const string RoleExistsSql = "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = @Role)";

    /// <summary>Creates or updates the roles when the connection may; then acts as the owner role.</summary>
    /// <param name="connection">Opened by the server's administrator or by the owner role itself.</param>
    /// <param name="database">Name of the service's connection; the roles are <c>{database}_owner</c> and <c>{database}_app</c>.</param>
    /// <param name="serving">Connection of the serving role, whose password it sets.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    public static async Task EnsureAsync(
        NpgsqlConnection connection, string database, NpgsqlConnectionStringBuilder serving, CancellationToken cancellation)
    {
        string owner = database + "_owner";
        string app = database + "_app";
        if (serving.Username != app)
            throw new InvalidOperationException($"ConnectionStrings:{database} must use the role '{app}', not '{serving.Username}'.");
        if (!await connection.ExecuteScalarAsync<bool>(IsSuperuserSql)) return;

        if (!await connection.ExecuteScalarAsync<bool>(RoleExistsSql, new { Role = owner }))
            await DdlAsync(connection, "CREATE ROLE %I NOLOGIN", owner);
        if (!await connection.ExecuteScalarAsync<bool>(RoleExistsSql, new { Role = app }))
            await DdlAsync(connection, "CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS", app);
        await DdlAsync(connection, "ALTER ROLE %I PASSWORD %L", app, serving.Password ?? "");
        await DdlAsync(connection, "GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I", connection.Database, app);
        await DdlAsync(connection, "GRANT ALL ON SCHEMA public TO %I", owner);
        await DdlAsync(connection, "GRANT USAGE ON SCHEMA public TO %I", app);
        await DdlAsync(connection, "ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I", owner, app);
        await DdlAsync(connection, "ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO %I", owner, app);
        await DdlAsync(connection, "SET ROLE %I", owner);
    }

    /// <summary>What was applied is the owner's to say.</summary>
    public static Task HideHistoryAsync(NpgsqlConnection connection, string database) =>
        DdlAsync(connection, "REVOKE ALL ON schema_migrations FROM %I", database + "_app");

    // DDL takes no parameters: the server itself quotes the names (%I) and literals (%L).
    private static async Task DdlAsync(NpgsqlConnection connection, string template, params string[] names)
    {
        string statement = await connection.ExecuteScalarAsync<string>(
            "SELECT format(@Template, VARIADIC @Names)", new { Template = template, Names = names }) ?? "";
        await connection.ExecuteAsync(statement);
    }
}
