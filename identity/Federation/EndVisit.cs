using System.Security.Cryptography;
using System.Text;
using HpcBilling.Identity.Sessions;
using HpcBilling.Identity.Tokens;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace HpcBilling.Identity.Federation;

/// <summary>A browser comes back from a provider: checks that it is the one that left, and what it brings.</summary>
internal sealed class EndVisit(
    Providers providers, VisitCookie cookie, CodeRedemption redemption, FederatedAccounts accounts, Database database, TimeProvider clock, ILogger<EndVisit> log)
{
    /// <param name="http">The browser's request; its cookie of the visit is taken.</param>
    /// <param name="providerId">From the address.</param>
    /// <param name="answer">From the query.</param>
    /// <param name="signedIn">The account that is signed in in this browser, and its session.</param>
    /// <param name="cancellation">Cancels it.</param>
    public async Task<VisitOutcome> RunAsync(
        HttpContext http, string providerId, ProviderAnswer answer, (Guid UserId, Guid Session)? signedIn, CancellationToken cancellation)
    {
        if (providers.Find(providerId) is not { } provider) return new VisitOutcome.UnknownProvider();
        var browser = new SessionBrowser(http.Connection.RemoteIpAddress?.ToString() ?? "", http.Request.Headers.UserAgent.ToString());
        try
        {
            // Nothing is asked of anybody, and nothing recorded, for an answer to a question that this browser did not ask.
            if (cookie.Take(http) is not { } visit || visit.ProviderId != providerId || !Same(visit.State, answer.State))
                return new VisitOutcome.Failed(SignInFault.State, provider.Options);
            if (!await IsFirstAsync(provider, visit, cancellation)) throw new ProviderException(SignInFault.State, "the state was used before");
            if (visit.LinkUserId is { } owner && owner != signedIn?.UserId) throw new ProviderException(SignInFault.State, "another account is signed in now");

            string code = await CodeOfAsync(provider, answer, cancellation);
            ProviderUser user = await redemption.RunAsync(provider, visit, code, BeginVisit.RedirectUri(http.Request, providerId), cancellation);
            return visit.LinkUserId is { } account
                ? await accounts.LinkAsync(provider.Options, user, account, browser, cancellation)
                : await accounts.SignInAsync(provider.Options, user, browser, signedIn?.Session, visit.ReturnUrl, cancellation);
        }
        catch (ProviderException failure)
        {
            log.LogWarning("A sign-in at {Provider} came to nothing: {Reason}", providerId, failure.Message);
            await RecordAsync(provider, failure.Fault, browser, cancellation);
            return new VisitOutcome.Failed(failure.Fault, provider.Options);
        }
    }

    // RFC 9207: an answer names its issuer, so that no provider can pass off another's answer as its own.
    private static async Task<string> CodeOfAsync(Provider provider, ProviderAnswer answer, CancellationToken cancellation)
    {
        OpenIdConnectConfiguration metadata = await provider.ReadMetadataAsync(cancellation);
        bool mustNameIssuer = metadata.AdditionalData.TryGetValue("authorization_response_iss_parameter_supported", out object? says) && says is true;
        if ((mustNameIssuer || answer.Issuer is not null) && answer.Issuer != metadata.Issuer)
            throw new ProviderException(SignInFault.Unverified, $"the answer is of the issuer {answer.Issuer}");
        if (answer.Error is { Length: > 0 } error) throw new ProviderException(SignInFault.Declined, "it says " + error);
        return answer.Code is { Length: > 0 } code ? code : throw new ProviderException(SignInFault.Unverified, "it sent no code");
    }

    private async Task<bool> IsFirstAsync(Provider provider, PendingVisit visit, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(provider.Options.OrgId, cancellation);
        bool first = await UsedOnce.TakeAsync(tx, "visit " + visit.State, clock.GetUtcNow() + VisitCookie.Life, cancellation);
        await tx.CommitAsync(cancellation);
        return first;
    }

    private async Task RecordAsync(Provider provider, SignInFault fault, SessionBrowser browser, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(provider.Options.OrgId, cancellation);
        IReadOnlyDictionary<string, string> facts = Facts.Of(("provider", provider.Options.Id), ("reason", Word.Of(fault)));
        await tx.AuditAsync(new AuditAct("unknown", "login.failure", "user:unknown", facts, browser.IpAddress), cancellation);
        await tx.CommitAsync(cancellation);
    }

    private static bool Same(string expected, string? given) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(given ?? ""));
}

/// <summary>What a provider put into the address it sent the browser back to.</summary>
internal sealed record ProviderAnswer(string? Code, string? State, string? Issuer, string? Error);

internal abstract record VisitOutcome
{
    private VisitOutcome() { }

    /// <param name="Secret">Value of the session cookie; known to the browser alone.</param>
    /// <param name="ReturnUrl">Where he wanted to go, as he said it.</param>
    internal sealed record SignedIn(string Secret, string? ReturnUrl) : VisitOutcome;

    internal sealed record Linked : VisitOutcome;

    internal sealed record Failed(SignInFault Fault, ProviderOptions Provider) : VisitOutcome;

    internal sealed record UnknownProvider : VisitOutcome;
}
