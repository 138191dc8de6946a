using System.Text.RegularExpressions;

namespace HpcBilling.Architecture.Tests;

[Trait("Control", "SEC-02")]
public sealed class SecretTests
{
    private const int FileBytesMax = 4 * 1024 * 1024;

    private static readonly (string What, Regex Pattern)[] Secrets =
    [
        ("private key", new Regex("-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----")),
        // One letter over and over is nobody's token.
        ("access token", new Regex(@"\bhpcb_(?!([A-Za-z0-9])\1{15})[A-Za-z0-9_-]{20,}")),
        ("cloud key", new Regex(@"\b(AKIA|ASIA)[0-9A-Z]{16}\b")),
        ("repository token", new Regex(@"\b(gh[pousr]_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20})")),
        ("payment provider's key", new Regex(@"\b((sk|rk)_(live|test)|whsec|skey_(live|test))_[A-Za-z0-9]{16,}")),
        ("signed token", new Regex(@"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")),
        ("connection string", new Regex(@"\b(Host|Server|Username|User Id)=[^;\r\n]*;[^\r\n]*?\b(Password|Pwd)=(?![{<$*;\s""'])[^;\s""']+", RegexOptions.IgnoreCase)),
        ("address with a password", new Regex(@"\b[a-z][a-z0-9+]*://[^\s/:@{}$<""']+:(?![{<$*])[^\s/@""']+@[^\s""']+", RegexOptions.IgnoreCase)),
    ];

    [Fact]
    public void Repository_holds_no_secret() => Guard.FindsNothing(Repository.Files
        .Where(file => new FileInfo(file.FullPath).Length <= FileBytesMax && !file.IsBinary && !file.Path.EndsWith(".lock.json", StringComparison.Ordinal))
        .SelectMany(file => Leaks(file.Path, file.Text)));

    // The examples are put together here, so that this file does not hold what it forbids.
    [Theory]
    [InlineData("-----BEGIN EC ", "PRIVATE KEY-----")]
    [InlineData("-----BEGIN ", "PRIVATE KEY-----")]
    [InlineData("token: hpcb", "_0123456789abcdefghijABCDEFGHIJ")]
    [InlineData("AKIA", "ABCDEFGHIJKLMNOP")]
    [InlineData("whsec", "_0123456789abcdef0123")]
    [InlineData("Host=db;Username=rating_app;Pass", "word=hunter2;Database=rating")]
    [InlineData("amqp://rating:", "hunter2@broker:5672/")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9abc.", "eyJzdWIiOiJhbGljZSJ9abc.c2lnbmF0dXJlLW9mLWl0")]
    public void A_secret_is_found(string start, string end) => Assert.NotEmpty(Leaks("x", start + end));

    [Theory]
    [InlineData("Host=127.0.0.1;Username=rating_app;Password={password}")]
    [InlineData("Host=db;Username=rating_app;Password=***;Database=rating")]
    [InlineData("Host=db;Username=rating_app;Password=$RATING_PASSWORD")]
    [InlineData("amqp://{user}:{password}@{host}:{port}/")]
    [InlineData("https://example.org:8443/path@2")]
    [InlineData("Authorization: Bearer hpcb_…")]
    [InlineData("hpcb_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void A_place_for_a_secret_is_none(string text) => Assert.Empty(Leaks("x", text));

    [Fact]
    public void A_throwaway_server_of_a_test_has_no_secret()
    {
        string address = "amqp://test:" + "test@127.0.0.1:{port}/";
        Assert.Empty(Leaks("tests/Service.Tests/Servers.cs", address));
        Assert.NotEmpty(Leaks("services/Rating/Program.cs", address));
        Assert.NotEmpty(Leaks("tests/Service.Tests/Servers.cs", address.Replace("127.0.0.1", "broker.example.org", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Leaks(string path, string text) =>
        from secret in Secrets
        from Match match in secret.Pattern.Matches(text)
        where !(path.StartsWith("tests/", StringComparison.Ordinal) && match.Value.Contains("127.0.0.1", StringComparison.Ordinal))
        select $"{path}:{text.AsSpan(0, match.Index).Count('\n') + 1}: {secret.What}";
}
