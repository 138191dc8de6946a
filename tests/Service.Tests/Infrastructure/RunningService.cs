using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Dapper;
using Npgsql;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>A service's real process; it can be killed and started again.</summary>
public sealed class RunningService : IAsyncDisposable
{
    private readonly string project;
    private readonly Dictionary<string, string> environment;
    private readonly TestIssuer issuer;
    private readonly StringBuilder log = new();
    private Process? process;

    internal RunningService(string project, string name, Dictionary<string, string> environment, string? superuser, TestIssuer issuer)
    {
        this.project = project;
        this.environment = environment;
        this.issuer = issuer;
        Name = name;
        Superuser = superuser ?? "";
        DefaultTypeMap.MatchNamesWithUnderscores = true;
    }

    public string Name { get; }

    /// <summary>Connection of the server's administrator to the service's database, for asserts; row-level security does not bind it.</summary>
    public string Superuser { get; }

    public Uri Address { get; private set; } = new("http://127.0.0.1:1");

    /// <summary>Address of HTTPS; null unless the service is given a certificate.</summary>
    public Uri? SecureAddress { get; private set; }

    /// <summary>Environment of the next start.</summary>
    public IDictionary<string, string> Settings => environment;

    public string Log
    {
        get
        {
            lock (log) return log.ToString();
        }
    }

    public bool HasExited => process?.HasExited ?? true;

    /// <summary>Chooses the address of HTTPS ahead of the start, so that others can be told.</summary>
    public Uri ReserveSecureAddress() => SecureAddress ??= new Uri($"https://localhost:{Servers.FreePort()}");

    /// <summary>Another replica: the same settings and database, not yet started.</summary>
    public RunningService Replica() => new(project, Name, new Dictionary<string, string>(environment, StringComparer.Ordinal), Superuser, issuer);

    /// <summary>A client that calls in somebody's name; null: in nobody's.</summary>
    public HttpClient Client(TestCaller? caller)
    {
        var client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60) };
        if (caller is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", issuer.Token(caller, Name));
        return client;
    }

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? args = null)
    {
        await using var connection = new NpgsqlConnection(Superuser);
        return (await connection.QueryAsync<T>(sql, args)).AsList();
    }

    public async Task<T> ScalarAsync<T>(string sql, object? args = null) => (await QueryAsync<T>(sql, args)).Single();

    public async Task ExecuteAsync(string sql, object? args = null)
    {
        await using var connection = new NpgsqlConnection(Superuser);
        await connection.ExecuteAsync(sql, args);
    }

    public Task MigrateAsync() => RunAsync("migrate");

    /// <summary>Runs the program to its end with a command instead of serving; what it prints is in the log.</summary>
    public async Task RunAsync(params string[] command)
    {
        using Process run = Launch(command);
        await run.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        if (run.ExitCode != 0) throw new InvalidOperationException($"{project} {string.Join(' ', command)} ended with {run.ExitCode}:\n{Log}");
    }

    public async Task StartAsync()
    {
        Address = new Uri($"http://127.0.0.1:{Servers.FreePort()}");
        environment["ASPNETCORE_URLS"] = Address.ToString();
        if (environment.ContainsKey("Kestrel__Certificates__Default__Path"))
        {
            environment["ASPNETCORE_URLS"] = $"{ReserveSecureAddress()};{Address}"; // bound in this order: ready at the last means ready at both
            environment["Gateway__HttpsPort"] = $"{SecureAddress!.Port}";
        }

        process = Launch();
        using HttpClient client = Client(null);
        try
        {
            await Wait.UntilAsync($"{project} is ready", async () =>
            {
                if (process.HasExited)
                {
                    await process.WaitForExitAsync(); // until its last words have been read
                    throw new InvalidOperationException($"{project} ended with {process.ExitCode}");
                }

                using HttpResponseMessage response = await client.GetAsync("/readyz");
                return response.IsSuccessStatusCode;
            });
        }
        catch (Exception failure)
        {
            if (!HasExited) await KillAsync();
            throw new InvalidOperationException($"{failure.Message}\n{Log}", failure);
        }
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        if (process is null) return;
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Waits until the process has ended by itself.</summary>
    public Task ExitedAsync() => Wait.UntilAsync($"{project} ends", () => Task.FromResult(HasExited));

    public async Task RestartAsync()
    {
        await KillAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!HasExited) await KillAsync();
        process?.Dispose();
    }

    private Process Launch(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Repository.Assembly(project));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string key, string value) in environment) start.Environment[key] = value;
        var launched = new Process { StartInfo = start };
        launched.OutputDataReceived += (_, line) => Append(line.Data);
        launched.ErrorDataReceived += (_, line) => Append(line.Data);
        launched.Start();
        launched.BeginOutputReadLine();
        launched.BeginErrorReadLine();
        return launched;
    }

    private void Append(string? line)
    {
        lock (log) log.AppendLine(line);
    }
}
