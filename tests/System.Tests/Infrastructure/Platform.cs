using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Dapper;
using HpcBilling.AppHost.Local;
using HpcBilling.AppHost.Local.Engine;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;
using Npgsql;

namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>The whole system, started by its AppHost; tests reach it as users do, through the gateway, and look into its databases only to check the books.</summary>
public sealed class Platform : IAsyncLifetime
{
    /// <summary>Short name of a second org beside the site's own.</summary>
    public const string OtherOrg = "physics";

    private static readonly string[] Databases = ["identity", "usage", "rating", "payment", "audit"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly Dictionary<string, int> killed = new(StringComparer.Ordinal);
    private AppHostProcess host = null!;
    private X509Certificate2 authority = null!;
    private Dictionary<string, string> passwords = [];
    private string postgres = "";

    /// <summary>A folder for the tests' files; deleted with everything else.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("hpcb-system-").FullName;

    public Uri Url { get; private set; } = null!;

    public string AuthorityFile { get; private set; } = "";

    public string OperatorUrl { get; private set; } = "";

    public OtlpReceiver Telemetry { get; private set; } = null!;

    private string State => Path.Combine(Folder, "state");

    public async Task InitializeAsync()
    {
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_101_101);
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        Telemetry = await OtlpReceiver.StartAsync();
        host = await AppHostProcess.StartAsync(State, new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Telemetry.Address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "2000",
        }, "--org", $"{OtherOrg}=Institute of Physics");

        // The demo data are in the books before the tests look at them.
        AppHostReady ready = await host.WaitForAsync(now => now.Resources["demo-data"].State == ResourceState.Finished, Patience);
        Url = new Uri(ready.Url);
        OperatorUrl = ready.OperatorUrl;
        AuthorityFile = ready.CaFile;
        authority = X509CertificateLoader.LoadCertificateFromFile(AuthorityFile);
        using JsonDocument people = JsonDocument.Parse(await File.ReadAllTextAsync(ready.SignInsFile));
        passwords = people.RootElement.EnumerateArray()
            .ToDictionary(person => person.GetProperty("user").GetString()!, person => person.GetProperty("password").GetString()!, StringComparer.Ordinal);
        var server = new Uri(ready.Resources["postgres"].Endpoints[0]);
        using JsonDocument secrets = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(State, "secrets.json")));
        postgres = $"Host=127.0.0.1;Port={server.Port};Username=postgres;Password={secrets.RootElement.GetProperty("postgres-password").GetString()};"
            + $"SSL Mode=VerifyFull;Root Certificate={AuthorityFile};Pooling=false";
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await Telemetry.DisposeAsync();
        authority.Dispose();
        StateDirectory.Remove(State);
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>A client that trusts the development authority and nothing else.</summary>
    public HttpClient Client(bool followsRedirects = true)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = followsRedirects, CookieContainer = new CookieContainer() };
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.Add(authority);
        var client = new HttpClient(handler) { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(60) };
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        return client;
    }

    public string Password(string username) => passwords[username];

    public async Task<WebSession> SignInAsync(string username)
    {
        var session = new WebSession(Client());
        await session.SignInAsync(username, Password(username));
        Assert.DoesNotContain("/login", session.Location.AbsolutePath, StringComparison.Ordinal);
        return session;
    }

    /// <summary>Runs the CLI with the profile that the AppHost wrote.</summary>
    public Task<(int Exit, string Output, string Errors)> HpcbAsync(params string[] arguments) => HpcbOfAsync(Path.Combine(State, "cli.json"), arguments);

    /// <summary>A profile for the CLI with another token.</summary>
    public string ProfileWith(string token)
    {
        string file = Path.Combine(Folder, $"cli-{Guid.CreateVersion7()}.json");
        File.WriteAllText(file, JsonSerializer.Serialize(new { url = Url, token, caFile = AuthorityFile }, JsonSerializerOptions.Web));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    public async Task<(int Exit, string Output, string Errors)> HpcbOfAsync(string profile, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Repository.Cli, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["HPCB_PROFILE"] = profile;
        start.Environment.Remove("HPCB_URL");
        start.Environment.Remove("HPCB_TOKEN");
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromMinutes(5)).Token);
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Runs a command that must succeed and print one JSON object.</summary>
    public Task<JsonElement> HpcbJsonAsync(params string[] arguments) => HpcbJsonOfAsync(Path.Combine(State, "cli.json"), arguments);

    public async Task<JsonElement> HpcbJsonOfAsync(string profile, params string[] arguments)
    {
        (int exit, string output, string errors) = await HpcbOfAsync(profile, arguments);
        Assert.True(exit == 0, $"hpcb {string.Join(' ', arguments)} ended with {exit}: {errors} {output}");
        return JsonDocument.Parse(output).RootElement;
    }

    public Task<JsonElement> ImportAsync(AccountingLog log) => HpcbJsonAsync("import", log.WriteTo(Folder), "--wait", "--json");

    public async Task<T> ScalarAsync<T>(string database, string sql, object? args = null)
    {
        await using var connection = new NpgsqlConnection($"{postgres};Database={database}");
        return (await connection.QuerySingleOrDefaultAsync<T>(sql, args))!;
    }

    /// <summary>Kills a resource's process as <c>kill -9</c>.</summary>
    public void Kill(string resource) => killed[resource] = host.Kill(resource);

    /// <summary>Waits until the AppHost has started the resource again and everything is healthy.</summary>
    public Task HealthyAsync(string resource) =>
        host.WaitForAsync(now => now.Ready && now.Resources[resource].Pid is { } pid && pid != killed[resource], Patience);

    /// <summary>The books of some users, as rating keeps them.</summary>
    public async Task<Books> BooksAsync(IReadOnlyList<string> users)
    {
        const string Sql = """
            SELECT (SELECT count(*) FROM runs WHERE username = ANY(@Users)) AS runs,
                   (SELECT count(*) FROM runs WHERE username = ANY(@Users) AND rating = 'priced') AS priced,
                   (SELECT count(*) FROM receipt_items i JOIN receipts r ON r.id = i.receipt_id WHERE r.username = ANY(@Users)) AS billed,
                   (SELECT coalesce(sum(cpus::numeric * charged_seconds), 0)::bigint FROM runs WHERE username = ANY(@Users)) AS core_seconds,
                   (SELECT coalesce(sum(amount_minor), 0)::bigint FROM runs WHERE username = ANY(@Users)) AS amount_minor,
                   (SELECT count(*) FROM receipts WHERE username = ANY(@Users)) AS receipts,
                   (SELECT coalesce(sum(total_minor), 0)::bigint FROM receipts WHERE username = ANY(@Users)) AS receipt_total_minor,
                   (SELECT coalesce(sum(i.amount_minor), 0)::bigint FROM receipt_items i JOIN receipts r ON r.id = i.receipt_id WHERE r.username = ANY(@Users))
                       + (SELECT coalesce(sum(a.difference_minor), 0)::bigint FROM receipt_adjustments a JOIN receipts r ON r.id = a.receipt_id WHERE r.username = ANY(@Users))
                       AS item_total_minor
            """;
        return await ScalarAsync<Books>("rating", Sql, new { Users = users.ToArray() });
    }

    /// <summary>Waits until some runs of the log are stored and, if it is long enough, others are not.</summary>
    public Task WhenImportIsUnderWayAsync(AccountingLog log) => Wait.UntilAsync("the import is under way", async () =>
        await ScalarAsync<long>("usage", "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running', 'succeeded') AND subject = @Name", new { Name = log.Cluster + ".psv" }) > 0);

    /// <summary>An unpaid receipt of the user, by its id.</summary>
    public async Task<string> OpenReceiptAsync(string username) =>
        (await ScalarAsync<Guid>("rating", "SELECT id FROM receipts WHERE username = @Username AND status = 'issued' ORDER BY issued_at DESC LIMIT 1", new { Username = username })).ToString();

    /// <summary>Bills the researcher himself on his page; the session then shows the new receipt.</summary>
    public static async Task<WebSession> CreateOwnReceiptAsync(WebSession session)
    {
        await session.GoAsync("/me/receipts?until=2027-01-01");
        return await session.SubmitAsync("form[method=post][action='/me/receipts']");
    }

    /// <summary>Pays a receipt: the button on its page, the hosted checkout, and back.</summary>
    /// <param name="session">Signed in as its owner.</param>
    /// <param name="receipt">Path of the receipt's page.</param>
    /// <param name="patient">Begins again when a service is away for a moment.</param>
    public static async Task PayAsync(WebSession session, string receipt, bool patient = false)
    {
        for (int attempt = 1; ; attempt++)
        {
            await session.GoAsync(receipt);
            if (session.Page.QuerySelectorAll(".badge").Any(badge => badge.TextContent.Trim() == "paid")) return;

            // While rating is away the page says so, and has no button.
            if (session.Page.QuerySelector("form[action*='/payments/']") is not null) await session.SubmitAsync("form[action*='/payments/']");
            if (session.Page.QuerySelector("form[action*='/payments/dummy/'], form:has(button[value=pay])") is not null)
            {
                await session.SubmitAsync("form[action*='/payments/dummy/'], form:has(button[value=pay])");
                if (session.Location.AbsolutePath.StartsWith("/payments/thanks", StringComparison.Ordinal)) return;
            }

            if (!patient || attempt > 100) throw new InvalidOperationException($"Paying ended at {session.Location} ({(int)session.Status}): {session.Text}");
            await Task.Delay(300);
        }
    }

    /// <summary>Waits until every outbox is drained and every act has its audit entry.</summary>
    public Task EveryEventArrivedAsync() => Wait.UntilAsync("every act has its audit entry", async () =>
    {
        long acts = 0;
        foreach (string database in Databases)
        {
            if (await ScalarAsync<long>(database, "SELECT count(*) FROM outbox WHERE sent_at IS NULL") > 0) return false;
            acts += await ScalarAsync<long>(database, "SELECT count(*) FROM outbox WHERE kind = 'AuditRecorded'");
        }

        return acts == await ScalarAsync<long>("audit", "SELECT count(*) FROM audit_entries");
    });

    /// <summary>Changes an entry behind the service's back for the time of an action.</summary>
    public async Task AlterAuditEntryAsync(Func<long, Task> whileAltered)
    {
        await using var connection = new NpgsqlConnection($"{postgres};Database=audit");
        long seq = await connection.ExecuteScalarAsync<long>("SELECT max(seq) / 2 + 1 FROM audit_entries");
        string actor = (await connection.ExecuteScalarAsync<string>("SELECT actor FROM audit_entries WHERE seq = @Seq", new { Seq = seq }))!;
        const string Sql = "UPDATE audit_entries SET actor = @Actor WHERE seq = @Seq";
        await connection.ExecuteAsync(Sql, new { Actor = "mallory", Seq = seq });
        try
        {
            await whileAltered(seq);
        }
        finally
        {
            await connection.ExecuteAsync(Sql, new { Actor = actor, Seq = seq });
        }
    }
}

/// <summary>Tests of this collection share one running system and run one after another.</summary>
[CollectionDefinition(nameof(Platform))]
public sealed class PlatformDefinition : ICollectionFixture<Platform>;
