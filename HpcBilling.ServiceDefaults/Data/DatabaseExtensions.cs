using System.Reflection;
using Dapper;
using HpcBilling.ServiceDefaults.Health;
using HpcBilling.ServiceDefaults.Startup;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HpcBilling.ServiceDefaults.Data;

public static class DatabaseExtensions
{
    private const string MigrateWord = "migrate";

    /// <summary>The data source of <c>ConnectionStrings:{name}</c>, the service's migrations, and readiness that asks the server.</summary>
    public static WebApplicationBuilder AddDatabase(this WebApplicationBuilder builder, string name)
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.AddTypeHandler(new InstantHandler());

        string connection = builder.Require($"ConnectionStrings:{name}", "the service has no database");
        builder.Services.AddSingleton(services => new NpgsqlDataSourceBuilder(connection)
            .UseLoggerFactory(services.GetRequiredService<ILoggerFactory>())
            .Build());
        builder.Services.AddSingleton<Database>();
        builder.Services.AddReadiness<PostgresReadiness>("postgres");
        builder.Services.AddSingleton(new MigrationPlan(
            name, connection, builder.Configuration.GetConnectionString(name + "-owner"), Assembly.GetCallingAssembly()));
        return builder;
    }

    /// <summary>Runs the migrations and says so, when the first argument is <c>migrate</c>.</summary>
    /// <returns>True when the process has done its work and should end.</returns>
    public static async Task<bool> MigrateIfAskedAsync(this WebApplication app, string[] args)
    {
        if (args is not [MigrateWord, ..]) return false;
        var migrator = ActivatorUtilities.CreateInstance<Migrator>(app.Services);
        await migrator.RunAsync(CancellationToken.None);
        foreach (IDevelopmentSeed seed in app.Services.GetServices<IDevelopmentSeed>()) await seed.SeedAsync(CancellationToken.None);
        return true;
    }
}

/// <summary>Demo rows that <c>migrate</c> writes; registered in Development only, idempotent.</summary>
public interface IDevelopmentSeed
{
    Task SeedAsync(CancellationToken cancellation);
}

internal sealed record MigrationPlan(string Database, string ServingConnection, string? OwnerConnection, Assembly Scripts);
