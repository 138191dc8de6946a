using System.Diagnostics;
using System.Globalization;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HpcBilling.Benchmarks;

/// <summary>A fresh database of the usage service, made by the service's own migrations, with its serving role; dropped afterwards.</summary>
internal sealed class BenchmarkDatabase : IAsyncDisposable
{
    private const string ServingRole = "usage_app";

    // A table that differs from `runs` in nothing but its name and row-level security, which COPY would refuse.
    private const string TwinSql = "DROP TABLE IF EXISTS copied_runs; CREATE TABLE copied_runs (LIKE runs INCLUDING ALL)";

    private readonly NpgsqlConnectionStringBuilder administrator;

    private readonly WebApplication service;

    private BenchmarkDatabase(NpgsqlConnectionStringBuilder administrator, WebApplication service) => (this.administrator, this.service) = (administrator, service);

    /// <summary>As the service itself connects.</summary>
    public Database Serving => service.Services.GetRequiredService<Database>();

    public static async Task<BenchmarkDatabase> CreateAsync(string administrator)
    {
        var own = new NpgsqlConnectionStringBuilder(administrator) { Database = $"bench_{Guid.CreateVersion7():N}" };
        await RunAsync(administrator, $"CREATE DATABASE {own.Database}");
        var serving = new NpgsqlConnectionStringBuilder(own.ConnectionString) { Username = ServingRole, Password = $"{Guid.NewGuid():N}" };

        using Process migration = Process.Start(new ProcessStartInfo("dotnet", [typeof(UsageMetrics).Assembly.Location, "migrate"])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["ConnectionStrings__usage"] = serving.ConnectionString,
                ["ConnectionStrings__usage-owner"] = own.ConnectionString,
                ["ConnectionStrings__rabbitmq"] = "amqp://nobody@127.0.0.1:1/",
                ["Auth__Authority"] = "https://nobody.invalid",
            },
        })!;
        string log = await migration.StandardOutput.ReadToEndAsync();
        await migration.WaitForExitAsync();
        if (migration.ExitCode != 0) throw new InvalidOperationException(log);
        return new BenchmarkDatabase(own, Connect(serving.ConnectionString));
    }

    public Task ExecuteAsync(string sql) => RunAsync(administrator.ConnectionString, sql);

    /// <summary>An import whose bytes are there.</summary>
    public async Task<Guid> AnnounceAsync(long sizeBytes)
    {
        var id = Guid.CreateVersion7();
        await RunAsync(
            administrator.ConnectionString,
            """
            INSERT INTO jobs (id, org_id, type, status, stage, subject, requested_by, total, due_at, created_at)
            VALUES (@id, @org, 'import', 'queued', 'waiting', 'log', 'benchmark', @size, now(), now());
            INSERT INTO import_jobs (id, org_id, format, size_bytes, bytes_received) VALUES (@id, @org, 'sacct', @size, @size);
            """,
            ("id", id), ("org", Orgs.Default), ("size", sizeBytes));
        return id;
    }

    public async Task<long> CountAsync(string counter, Guid importId)
    {
        await using var connection = new NpgsqlConnection(administrator.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT to_jsonb(j) ->> @counter FROM imports j WHERE id = @id AND status = 'succeeded'", connection);
        command.Parameters.AddWithValue("counter", counter);
        command.Parameters.AddWithValue("id", importId);
        return long.Parse((string?)await command.ExecuteScalarAsync() ?? "-1", CultureInfo.InvariantCulture);
    }

    /// <summary>Seconds that psql's <c>\copy</c> takes for the rows that are now in <c>runs</c>.</summary>
    public async Task<double> CopyAsync(string file)
    {
        await PsqlAsync($@"\copy runs to '{file}'");
        await ExecuteAsync(TwinSql);
        double seconds = await PsqlAsync($@"\copy copied_runs from '{file}'");
        File.Delete(file);
        return seconds;
    }

    public async ValueTask DisposeAsync()
    {
        await service.DisposeAsync();
        string name = administrator.Database!;
        await RunAsync(new NpgsqlConnectionStringBuilder(administrator.ConnectionString) { Database = "postgres" }.ConnectionString, $"DROP DATABASE {name} WITH (FORCE)");
    }

    private static WebApplication Connect(string connectionString)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["ConnectionStrings:usage"] = connectionString;
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(new ServiceIdentity("usage")).AddSingleton(TimeProvider.System);
        builder.AddDatabase("usage");
        return builder.Build();
    }

    private async Task<double> PsqlAsync(string command)
    {
        long began = Stopwatch.GetTimestamp();
        using Process psql = Process.Start(new ProcessStartInfo(
            "psql", ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host", administrator.Host!, "--port", $"{administrator.Port}", "--username", administrator.Username!, "--dbname", administrator.Database!, "--command", command])
        {
            Environment = { ["PGPASSWORD"] = administrator.Password, ["PGSSLMODE"] = administrator.SslMode == SslMode.Disable ? "disable" : "prefer" },
        })!;
        await psql.WaitForExitAsync();
        return psql.ExitCode == 0 ? Stopwatch.GetElapsedTime(began).TotalSeconds : throw new InvalidOperationException($"psql {command} failed");
    }

    private static async Task RunAsync(string connectionString, string sql, params (string Name, object Value)[] parameters)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var (name, value) in parameters) command.Parameters.AddWithValue(name, value);
        await command.ExecuteNonQueryAsync();
    }
}
