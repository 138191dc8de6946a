using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Npgsql;

namespace HpcBilling.Benchmarks;

/// <summary>Sign-ins with a right password at a running identity service, each one a form of its own, beside the bare password hash.</summary>
internal static partial class Logins
{
    private const int Iterations = 210_000;
    private const string Password = "correct horse battery staple";
    private static readonly string[] Users = ["alice", "bob", "carol", "dave"];
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(90);

    public static async Task<int> RunAsync()
    {
        await using BenchmarkServer server = await BenchmarkServer.StartAsync();
        var owner = new NpgsqlConnectionStringBuilder(server.Administrator) { Database = $"bench_{Guid.CreateVersion7():N}" };
        await ExecuteAsync(server.Administrator, $"CREATE DATABASE {owner.Database}");
        try
        {
            string address = $"http://127.0.0.1:{FreePort()}";
            Dictionary<string, string?> environment = Settings(owner, address);
            using (Process migration = Launch(environment, "migrate")) await EndedWellAsync(migration);
            using Process identity = Launch(environment);
            try
            {
                await ReadyAsync(identity, address);
                await SignInAsync(address, WarmUp);
                TimeSpan before = ProcessorTime(identity);
                long began = Stopwatch.GetTimestamp();
                int logins = await SignInAsync(address, Duration);
                Print(logins, Stopwatch.GetElapsedTime(began), ProcessorTime(identity) - before);
            }
            finally
            {
                identity.Kill();
                await identity.WaitForExitAsync();
            }
        }
        finally
        {
            await ExecuteAsync(server.Administrator, $"DROP DATABASE {owner.Database} WITH (FORCE)");
        }

        return 0;
    }

    private static void Print(int logins, TimeSpan took, TimeSpan processor)
    {
        double each = processor.TotalMilliseconds / logins;
        Table.Print(
            ["logins", "seconds", "logins/s", "CPU ms a login", "of which hash", "logins/s per core"],
            [[Text(logins, "N0"), Text(took.TotalSeconds, "N1"), Text(logins / took.TotalSeconds, "N1"), Text(each, "N1"), Text(HashMilliseconds(), "N1"), Text(1000 / each, "N1")]]);
    }

    /// <summary>Each user signs in over and over, one after another, from an address of his own.</summary>
    /// <returns>How many sign-ins there were in all.</returns>
    private static async Task<int> SignInAsync(string address, TimeSpan duration)
    {
        int[] counts = await Task.WhenAll(Users.Select((user, index) => Task.Run(async () =>
        {
            using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(address) };
            browser.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
            browser.DefaultRequestHeaders.Add("X-Forwarded-For", $"10.0.0.{index}");
            using HttpResponseMessage shown = await browser.GetAsync("/login");
            string field = FormField().Match(await shown.Content.ReadAsStringAsync()).Groups[1].Value;
            browser.DefaultRequestHeaders.Add("Cookie", shown.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
            int count = 0;
            for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < duration; count++)
            {
                using var form = new FormUrlEncodedContent([new("__csrf", field), new("Username", user), new("Password", Password)]);
                using HttpResponseMessage answer = await browser.PostAsync("/login", form);
                if (answer.StatusCode != HttpStatusCode.SeeOther) throw new InvalidOperationException($"The sign-in of {user} was answered with {answer.StatusCode}.");
            }

            return count;
        })));
        return counts.Sum();
    }

    /// <summary>What the algorithm alone costs, in the same time and on the same machine.</summary>
    private static double HashMilliseconds()
    {
        const int Rounds = 20;
        TimeSpan before = ProcessorTime(Process.GetCurrentProcess());
        for (int round = 0; round < Rounds; round++) Rfc2898DeriveBytes.Pbkdf2(Password, new byte[16], Iterations, HashAlgorithmName.SHA512, 32);
        return (ProcessorTime(Process.GetCurrentProcess()) - before).TotalMilliseconds / Rounds;
    }

    private static Dictionary<string, string?> Settings(NpgsqlConnectionStringBuilder owner, string address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var serving = new NpgsqlConnectionStringBuilder(owner.ConnectionString) { Username = "identity_app", Password = $"{Guid.NewGuid():N}" };
        return new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_URLS"] = address,
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["Logging__LogLevel__Default"] = "Warning",
            ["ConnectionStrings__identity"] = serving.ConnectionString,
            ["ConnectionStrings__identity-owner"] = owner.ConnectionString,
            ["ConnectionStrings__rabbitmq"] = "amqp://nobody@127.0.0.1:1/", // what is said waits in the outbox
            ["Auth__Authority"] = "https://nobody.invalid",
            ["DataProtection__MasterKey"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64)),
            ["Identity__SigningKey"] = key.ExportPkcs8PrivateKeyPem(),
            ["Identity__GatewayClientSecret"] = $"{Guid.NewGuid():N}",
            ["Identity__PasswordIterations"] = Iterations.ToString(CultureInfo.InvariantCulture),
            ["Identity__AdminPassword"] = Password,
            ["Identity__DemoPassword"] = Password,
        };
    }

    private static Process Launch(Dictionary<string, string?> environment, params string[] arguments)
    {
        string assembly = typeof(Logins).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(fact => fact.Key == "IdentityAssembly").Value!;
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments]) { RedirectStandardOutput = true };
        foreach ((string name, string? value) in environment) start.Environment[name] = value;
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { }; // read, so that it does not wait for a reader
        process.BeginOutputReadLine();
        return process;
    }

    private static async Task EndedWellAsync(Process process)
    {
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"The migration ended with {process.ExitCode}.");
    }

    private static async Task ReadyAsync(Process identity, string address)
    {
        using var client = new HttpClient { BaseAddress = new Uri(address) };
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < StartMax; await Task.Delay(TimeSpan.FromMilliseconds(200)))
        {
            if (identity.HasExited) throw new InvalidOperationException($"Identity ended with {identity.ExitCode}.");
            try
            {
                using HttpResponseMessage answer = await client.GetAsync("/healthz");
                if (answer.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // not listening yet: it does once the accounts are there
            }
        }

        throw new TimeoutException("Identity was not ready in time.");
    }

    private static TimeSpan ProcessorTime(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);

    [GeneratedRegex("name=\"__csrf\" type=\"hidden\" value=\"([^\"]+)\"", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FormField();
}
