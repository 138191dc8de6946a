namespace HpcBilling.Service.Tests.Gateway;

/// <summary>What every response carries, word by word, whoever made it.</summary>
internal static class HeaderPolicy
{
    public const string ContentSecurity =
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; object-src 'none'; form-action 'self'; report-uri /csp-report; report-to csp";

    private static readonly Dictionary<string, string> Required = new(StringComparer.Ordinal)
    {
        ["X-Frame-Options"] = "DENY",
        ["X-Content-Type-Options"] = "nosniff",
        ["Referrer-Policy"] = "same-origin",
        ["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains; preload",
        ["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ["Cross-Origin-Opener-Policy"] = "same-origin",
        ["Cross-Origin-Resource-Policy"] = "same-origin",
        ["Reporting-Endpoints"] = "csp=\"/csp-report\"",
    };

    private static readonly string[] Forbidden =
        ["Server", "X-Powered-By", "Report-To", "NEL", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Service-Worker-Allowed", "Alt-Svc"];

    public static void Expect(HttpResponseMessage answer, bool reportOnly = false)
    {
        Assert.All(Required, header => Assert.Equal(header.Value, Only(answer, header.Key)));
        Assert.Equal(ContentSecurity, Only(answer, reportOnly ? "Content-Security-Policy-Report-Only" : "Content-Security-Policy"));
        Assert.False(answer.Headers.Contains(reportOnly ? "Content-Security-Policy" : "Content-Security-Policy-Report-Only"));
        Assert.Matches("^[0-9a-f]{32}$", Only(answer, "X-Request-Id"));
        Assert.All(Forbidden, name => Assert.False(answer.Headers.Contains(name), name));
    }

    private static string Only(HttpResponseMessage answer, string name)
    {
        Assert.True(answer.Headers.Contains(name), $"{name} is missing");
        return Assert.Single(answer.Headers.GetValues(name));
    }
}
