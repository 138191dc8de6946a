using System.Net.Http.Headers;

namespace HpcBilling.Gateway.Credentials;

/// <summary>What a client showed to say who it is.</summary>
internal abstract record PresentedCredential
{
    private const string PersonalAccessTokenPrefix = "hpcb_";

    /// <summary>Longest secret that identity gives out; anything longer is none.</summary>
    private const int SecretCharactersMax = 64;

    private PresentedCredential() { }

    internal sealed record None : PresentedCredential;

    /// <summary>Known to identity by its hash; must be exchanged for an access token.</summary>
    /// <param name="SubjectTokenType">Its kind, as the token exchange names it.</param>
    /// <param name="Secret">Never logged.</param>
    internal sealed record Exchangeable(string SubjectTokenType, string Secret) : PresentedCredential
    {
        public bool IsSession => SubjectTokenType == TokenExchange.SessionType;

        public override string ToString() => SubjectTokenType;
    }

    /// <summary>An access token, or an OAuth client's own credential: the service that it is for checks it.</summary>
    /// <param name="Header">The whole header.</param>
    /// <param name="IsBearer">A token; otherwise a client's name and secret.</param>
    internal sealed record ForService(string Header, bool IsBearer) : PresentedCredential
    {
        public override string ToString() => "***";
    }

    /// <summary>A header wins over the cookie: what a program says about itself is no accident of the browser.</summary>
    public static PresentedCredential Of(HttpRequest request)
    {
        string? header = request.Headers.Authorization;
        if (!string.IsNullOrEmpty(header))
        {
            if (!AuthenticationHeaderValue.TryParse(header, out AuthenticationHeaderValue? authorization)) return new None();
            bool bearer = "Bearer".Equals(authorization.Scheme, StringComparison.OrdinalIgnoreCase);
            return bearer && authorization.Parameter is { } token && token.StartsWith(PersonalAccessTokenPrefix, StringComparison.Ordinal)
                ? Bounded(TokenExchange.PersonalAccessTokenType, token)
                : new ForService(header, bearer);
        }

        return request.Cookies[PublicCookies.Session] is { Length: > 0 } session ? Bounded(TokenExchange.SessionType, session) : new None();
    }

    private static Exchangeable Bounded(string type, string secret) =>
        new Exchangeable(type, secret.Length <= SecretCharactersMax ? secret : "");
}
