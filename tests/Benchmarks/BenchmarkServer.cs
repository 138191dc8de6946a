using HpcBilling.AppHost.Local.Postgres;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.Benchmarks;

/// <summary>The PostgreSQL that is measured: a private one as the AppHost starts it, or the one that <c>HPCB_BENCH_POSTGRES</c> names.</summary>
internal sealed class BenchmarkServer : IAsyncDisposable
{
    private const string Variable = "HPCB_BENCH_POSTGRES";

    private readonly PrivateServer<PostgresServer>? server;
    private readonly DirectoryInfo? folder;

    private BenchmarkServer(string administrator, PrivateServer<PostgresServer>? server, DirectoryInfo? folder) =>
        (Administrator, this.server, this.folder) = (administrator, server, folder);

    /// <summary>Connection of the administrator.</summary>
    public string Administrator { get; }

    public static async Task<BenchmarkServer> StartAsync()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given) return new BenchmarkServer(given, null, null);

        DirectoryInfo state = Directory.CreateTempSubdirectory("hpcb-bench-server-");
        PrivateServer<PostgresServer> own = await PostgresServer.StartAsync(state.FullName);
        return new BenchmarkServer(own.Server.ConnectionString("postgres"), own, state);
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null) await server.DisposeAsync();
        folder?.Delete(recursive: true);
    }
}
