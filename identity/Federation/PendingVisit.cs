using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;

namespace HpcBilling.Identity.Federation;

/// <summary>Somebody has gone to a provider and is expected back; kept by his browser alone, unreadable and for a few minutes.</summary>
/// <param name="ProviderId">Where he went.</param>
/// <param name="State">Comes back in the address; ties the answer to this browser.</param>
/// <param name="Nonce">Comes back in the ID token; ties the token to this visit.</param>
/// <param name="Verifier">Secret half of PKCE; ties the code to us.</param>
/// <param name="ReturnUrl">Where he wanted to go.</param>
/// <param name="LinkUserId">The account that asked to be linked; null for a sign-in.</param>
internal sealed record PendingVisit(string ProviderId, string State, string Nonce, string Verifier, string? ReturnUrl, Guid? LinkUserId)
{
    private const int SecretBytes = 32;

    public static PendingVisit New(string providerId, string? returnUrl, Guid? linkUserId) =>
        new(providerId, Secret(), Secret(), Secret(), returnUrl, linkUserId);

    public string Challenge => Base64Url.EncodeToString(SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(Verifier)));

    private static string Secret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
}

/// <summary>The cookie of a visit at a provider.</summary>
internal sealed class VisitCookie(IDataProtectionProvider protection)
{
    public const string Name = "__Host-visit";

    public static readonly TimeSpan Life = TimeSpan.FromMinutes(10);

    private readonly ITimeLimitedDataProtector protector = protection.CreateProtector("HpcBilling.Identity.Visit").ToTimeLimitedDataProtector();

    public void Set(HttpResponse response, PendingVisit visit) =>
        response.Cookies.Append(Name, protector.Protect(JsonSerializer.Serialize(visit), Life), Options(Life));

    /// <summary>Reads it and takes it away: whatever comes of it, it is over.</summary>
    /// <returns>Null when there is none, it is too old, or not of our making.</returns>
    public PendingVisit? Take(HttpContext http)
    {
        if (http.Request.Cookies[Name] is not { Length: > 0 } text) return null;
        http.Response.Cookies.Delete(Name, Options());
        try
        {
            return JsonSerializer.Deserialize<PendingVisit>(protector.Unprotect(text));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    // Lax: the provider sends the browser back from its own site.
    private static CookieOptions Options(TimeSpan? life = null) => new()
    {
        Secure = true,
        HttpOnly = true,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        IsEssential = true,
        MaxAge = life,
    };
}
