using System.Diagnostics;
using System.Globalization;
using HpcBilling.Service.Tests.Gateway;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Identity;

[Collection(nameof(Servers))]
[Trait("Control", "AUTH-04")]
public sealed class SignInTimeTests(Servers servers)
{
    private const int Rounds = 40;
    private static readonly string[] Kinds = ["unknown", "wrong", "locked", "disabled", "without a password"];

    [Fact]
    public async Task No_refusal_takes_longer_than_another()
    {
        await using Site site = await Site.StartAsync(servers, new Dictionary<string, string>
        {
            ["Identity__PasswordIterations"] = "100000",
            ["Identity__LoginFailuresMax"] = "100",
            ["Gateway__RateLimits__LoginPerMinute"] = "100000",
        });
        await site.Identity.ExecuteAsync("""
            UPDATE users SET status = 'disabled' WHERE username = 'carol';
            UPDATE users SET password_hash = NULL WHERE username = 'dave';
            INSERT INTO login_throttle (org_id, username, ip_address, failures, window_started_at, locked_until)
            SELECT org_id, 'bob', '127.0.0.1', 5, now(), now() + interval '1 hour' FROM orgs
            """);
        using Browser browser = site.Browser();
        string field = await browser.CsrfAsync("/login");
        Dictionary<string, List<double>> times = Kinds.Append("no hash").ToDictionary(kind => kind, _ => new List<double>());
        for (int round = -2; round < Rounds; round++)
        {
            // In turn, so that a busy moment of the machine falls on every kind; the first rounds warm up.
            foreach ((string kind, List<double> samples) in times)
            {
                double milliseconds = kind == "no hash"
                    ? await TimeAsync(browser, "/login/second-factor", field, "", round)
                    : await TimeAsync(browser, "/login", field, NameOf(kind), round);
                if (round >= 0) samples.Add(milliseconds);
            }
        }

        foreach (string kind in Kinds) Assert.True(Timings.AreAlike(times["wrong"], times[kind]), Report(times, kind));

        // What a refusal would take without the decoy's hash, measured in the same turns, is told apart: the comparison can fail.
        foreach (string kind in Kinds) Assert.False(Timings.AreAlike(times["no hash"], times[kind]), Report(times, kind));
    }

    [Fact]
    public void Equal_durations_on_a_noisy_machine_are_alike_and_a_missing_hash_is_not()
    {
        var random = new Random(20261122);
        double Noise() => random.Next(20) == 0 ? random.Next(200) : random.NextDouble() * 15;
        double[] Samples(double milliseconds) => [.. Enumerable.Range(0, Rounds).Select(_ => milliseconds + Noise())];
        for (int machine = 0; machine < 500; machine++)
        {
            Assert.True(Timings.AreAlike(Samples(50), Samples(50)));
            Assert.False(Timings.AreAlike(Samples(50), Samples(5)));
        }
    }

    private static string NameOf(string kind) => kind switch
    {
        "unknown" => "stranger",
        "wrong" => "alice",
        "locked" => "bob",
        "disabled" => "carol",
        _ => "dave",
    };

    private static async Task<double> TimeAsync(Browser browser, string path, string field, string username, int round)
    {
        string password = "wrong " + round.ToString(CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent([new("__csrf", field), new("Username", username), new("Password", password), new("Code", "1")]),
        };
        long began = Stopwatch.GetTimestamp();
        using HttpResponseMessage answer = await browser.SendAsync(request);
        await answer.Content.ReadAsByteArrayAsync();
        Assert.True((int)answer.StatusCode < 400, $"{path}: {answer.StatusCode}");
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static string Report(Dictionary<string, List<double>> times, string kind) => string.Join('\n', times.Select(entry =>
        $"{entry.Key}: median {entry.Value.Order().ElementAt(entry.Value.Count / 2):N1} ms, slower than '{kind}' in {Timings.ShareSlower(entry.Value, times[kind]):P0}"));
}
