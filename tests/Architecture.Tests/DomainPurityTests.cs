namespace HpcBilling.Architecture.Tests;

public sealed class DomainPurityTests
{
    public static TheoryData<string> Services => [.. DomainCode.Services()];

    [Theory]
    [MemberData(nameof(Services))]
    public void Domain_code_is_pure(string service) => Guard.FindsNothing(DomainCode.Impurities(DomainCode.Files(service)));

    [Fact]
    public void Every_service_with_money_or_proof_has_a_domain() =>
        Assert.Superset(new HashSet<string> { "Usage", "Rating", "Payment", "Audit" }, DomainCode.Services().ToHashSet());

    [Theory]
    [InlineData("static string Load(string path) => File.ReadAllText(path);", "System.IO.File")]
    [InlineData("static object Open() => new HttpClient();", "System.Net.Http.HttpClient")]
    [InlineData("static DateTimeOffset At() => DateTimeOffset.UtcNow;", "UtcNow")]
    [InlineData("static DateTimeOffset At(TimeProvider clock) => clock.GetUtcNow();", "System.TimeProvider")]
    [InlineData("static async Task WaitAsync() => await Task.Yield();", "System.Threading")]
    [InlineData("static void Say() => Console.WriteLine();", "System.Console")]
    [InlineData("static Guid New() => Guid.NewGuid();", "NewGuid")]
    [InlineData("static int Roll() => Random.Shared.Next();", "System.Random")]
    [InlineData("static string? Setting() => Environment.GetEnvironmentVariable(\"X\");", "System.Environment")]
    [InlineData("static double Half(long minor) => minor / 2.0;", "floating point")]
    [InlineData("static bool Big(long minor) => Math.Sqrt(minor) > 3;", "floating point")]
    [InlineData("static void Log(Microsoft.Extensions.Logging.ILogger log) { }", "does not compile on its own")]
    public void An_impurity_is_found(string member, string expected) =>
        Assert.Contains(DomainCode.Impurities([("Fixture.cs", $"namespace HpcBilling.Fixture; internal static class Fixture {{ {member} }}")]), found => found.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void Arithmetic_text_and_hashes_are_pure() => Assert.Empty(DomainCode.Impurities([("Fixture.cs", """
        using System.Globalization;
        using System.Security.Cryptography;
        using System.Text;
        namespace HpcBilling.Fixture;
        internal static class Fixture
        {
            public static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
            public static decimal Hours(long seconds, DateTimeOffset end) => decimal.Round(seconds / 3600m, 4) + end.Year;
            public static IEnumerable<long> Parse(TextReader reader) { while (reader.ReadLine() is { } line) yield return long.Parse(line, CultureInfo.InvariantCulture); }
        }
        """)]));
}
