namespace HpcBilling.Identity.Sessions;

/// <summary>The session cookie. <c>__Host-</c> binds it to this host, to HTTPS and to the whole site.</summary>
internal static class SessionCookie
{
    public const string Name = "__Host-session";

    // Lax, not Strict: a link from a mail or the way back from the checkout finds the reader signed in.
    private static readonly CookieOptions Options = new()
    {
        Secure = true,
        HttpOnly = true,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        IsEssential = true,
    };

    public static void Set(HttpResponse response, string secret) => response.Cookies.Append(Name, secret, Options);

    public static void Clear(HttpResponse response) => response.Cookies.Delete(Name, Options);
}
