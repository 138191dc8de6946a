using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.AppHost.Local.Operator;

/// <summary>Lets in who has the token, from this machine's own names only, and changes nothing on another site's behalf.</summary>
internal sealed class OperatorGate(string token)
{
    private const string CookieName = "hpcbilling-operator";
    private readonly byte[] _token = Encoding.ASCII.GetBytes(token);

    public static Task Headers(HttpContext http, RequestDelegate next)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        return next(http);
    }

    public Task GuardAsync(HttpContext http, RequestDelegate next)
    {
        // Another name for loopback would be a page elsewhere that had its own name point here.
        if (http.Request.Host.Host is not ("127.0.0.1" or "localhost"))
            return RefuseAsync(http, StatusCodes.Status400BadRequest, "Open this page as http://127.0.0.1.");
        if (http.Request.Path == "/login")
            return LoginAsync(http);
        if (!IsToken(http.Request.Cookies[CookieName]))
            return RefuseAsync(http, StatusCodes.Status401Unauthorized, "Open the address that the AppHost printed: it has the token.");
        if (HttpMethods.IsPost(http.Request.Method) && !IsOwnOrigin(http.Request))
            return RefuseAsync(http, StatusCodes.Status403Forbidden, "This request came from another site.");
        return next(http);
    }

    private static bool IsOwnOrigin(HttpRequest request) => request.Headers.Origin == $"{request.Scheme}://{request.Host}";

    private Task LoginAsync(HttpContext http)
    {
        if (!IsToken(http.Request.Query["t"]))
            return RefuseAsync(http, StatusCodes.Status401Unauthorized, "This token is not of the AppHost that is running now.");
        http.Response.Cookies.Append(CookieName, token, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });
        // A page, not a redirect: a Strict cookie is not sent along a redirect that began on another site.
        return OperatorHtml.WriteAsync(http.Response, OperatorHtml.Welcome());
    }

    private bool IsToken(string? candidate) => candidate is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(candidate), _token);

    private static Task RefuseAsync(HttpContext http, int status, string reason)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync(reason, http.RequestAborted);
    }
}
