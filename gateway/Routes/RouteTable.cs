using static HpcBilling.Gateway.Routes.RouteKind;

namespace HpcBilling.Gateway.Routes;

/// <summary>The public surface, as in docs/flow.md. What is not here does not exist outside: health, metrics, internal routes.</summary>
internal static class RouteTable
{
    private static readonly TimeSpan UploadTime = TimeSpan.FromHours(6);
    private static readonly TimeSpan ExportTime = TimeSpan.FromMinutes(30);

    public static readonly IReadOnlyList<PublicRoute> All =
    [
        new("/login/{**rest}", "identity", Page) { RateLimit = RateLimits.Login },
        new("/logout", "identity", Page),
        new("/account/{**rest}", "identity", SignedInPage),
        new("/.well-known/{**rest}", "identity", Anonymous),
        new("/connect/{**rest}", "identity", OAuth),
        new("/connect/token", "identity", OAuth) { RateLimit = RateLimits.Login },
        new("/api/v1/users/{**rest}", "identity", Api),
        new("/api/v1/access-tokens/{**rest}", "identity", Api),
        new("/api/v1/signing-keys/{**rest}", "identity", Api),

        new("/", "portal", Page),
        new("/privacy", "portal", Page),
        new("/me/{**rest}", "portal", SignedInPage),
        new("/me.csv", "portal", SignedInPage),
        new("/_ui/{**rest}", "portal", Anonymous),
        new("/admin/{**rest}", "admin", SignedInPage),
        new("/admin/imports", "admin", SignedInPage) { IsPageUpload = true, TimeMax = UploadTime },

        new("/formula", "rating", Api),
        new("/api/v1/tariffs/{**rest}", "rating", Api),
        new("/api/v1/tiers/{**rest}", "rating", Api),
        new("/api/v1/estimate", "rating", Api),
        new("/api/v1/usage/{**rest}", "rating", Api),
        new("/api/v1/receipts/{**rest}", "rating", Api),
        new("/api/v1/receipt-runs/{**rest}", "rating", Api),

        new("/api/v1/imports/{**rest}", "usage", Api),
        new("/api/v1/imports/{id}/content", "usage", Api) { IsUpload = true, TimeMax = UploadTime },
        new("/api/v1/jobs/{**rest}", "usage", Api),
        new("/api/v1/exports/{**rest}", "usage", Api),
        new("/api/v1/exports/{id}/content", "usage", Api) { TimeMax = ExportTime },
        new("/api/v1/clusters/{**rest}", "usage", Api),
        new("/api/v1/sources/{**rest}", "usage", Api),
        new("/api/v1/quarantine/{**rest}", "usage", Api),

        new("/payments/{**rest}", "payment", Page),
        new("/payments/receipt/{**rest}", "payment", SignedInPage),
        new("/payments/webhook/{provider}", "payment", Anonymous) { RateLimit = RateLimits.Webhook },
        new("/api/v1/payments/{**rest}", "payment", Api),

        new("/api/v1/audit/{**rest}", "audit", Api),
        new("/api/v1/audit/export.csv", "audit", Api) { TimeMax = ExportTime },
    ];
}

/// <param name="Path">Route pattern; the more exact one wins.</param>
/// <param name="Service">Who answers; also the audience that a token must have to get there.</param>
/// <param name="Kind">What happens at the door.</param>
internal sealed record PublicRoute(string Path, string Service, RouteKind Kind)
{
    /// <summary>Takes a body of <c>Gateway:Limits:UploadBytesMax</c>; the others of <c>BodyBytesMax</c>.</summary>
    public bool IsUpload { get; init; }

    /// <summary>Takes a form with a file, of <c>Gateway:Limits:PageUploadBytesMax</c>.</summary>
    public bool IsPageUpload { get; init; }

    public TimeSpan TimeMax { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>Name of a rate limit besides the general one.</summary>
    public string? RateLimit { get; init; }
}
