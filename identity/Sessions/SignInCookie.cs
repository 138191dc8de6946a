namespace HpcBilling.Identity.Sessions;

/// <summary>The cookie of a sign-in that waits for its second factor.</summary>
internal static class SignInCookie
{
    public const string Name = "__Host-signin";

    private static CookieOptions Options(TimeSpan? life = null) => new()
    {
        Secure = true,
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Path = "/",
        IsEssential = true,
        MaxAge = life,
    };

    public static string Read(HttpRequest request) => request.Cookies[Name] ?? "";

    public static void Set(HttpResponse response, string secret) => response.Cookies.Append(Name, secret, Options(PendingSignIns.Life));

    public static void Clear(HttpResponse response) => response.Cookies.Delete(Name, Options());
}
