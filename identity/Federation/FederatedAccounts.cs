using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Federation;

/// <summary>Whose account somebody from a provider uses: the linked one, or a new one where the site wants that. Never one of the same name.</summary>
internal sealed class FederatedAccounts(Database database, IOptions<IdentityOptions> options, TimeProvider clock)
{
    private const int NameCharactersMax = 200;

    private const string InsertSql = """
        INSERT INTO users (user_id, org_id, username, role, created_at) VALUES (@UserId, @OrgId, @Username, @Role, @Now)
        ON CONFLICT (org_id, username) DO NOTHING
        """;

    /// <summary>A session as after a password. A second factor is the provider's business: ADR 0013.</summary>
    public async Task<VisitOutcome> SignInAsync(
        ProviderOptions provider, ProviderUser user, SessionBrowser browser, Guid? previousSession, string? returnUrl, CancellationToken cancellation)
    {
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        await using OrgTransaction tx = await database.BeginAsync(provider.OrgId, cancellation);
        Guid? known = await ExternalLogins.FindAsync(tx, user, now, cancellation);
        Account? account = known is { } id ? await Account.FindAsync(tx, id, cancellation) : null;
        SignInFault? fault = null;
        if (account is null) (account, fault) = await OpenAsync(tx, provider, user, browser, now, cancellation);
        else if (account.Status != AccountStatus.Active) fault = SignInFault.Disabled;
        if (fault is { } why || account is null) return await RefuseAsync(tx, provider, account, fault ?? SignInFault.NotLinked, browser, cancellation);

        if (previousSession is { } previous) await RevokeSessions.OneAsync(tx, account.UserId, previous, now, cancellation);
        string secret = await OpenSession.RunAsync(tx, account.UserId, browser, now, options.Value.SessionAbsolute, cancellation);
        await tx.AuditAsync(Act(account.Username, "login.success", provider, browser), cancellation);
        await tx.CommitAsync(cancellation);
        return new VisitOutcome.SignedIn(secret, returnUrl);
    }

    /// <summary>The owner, signed in, asked for it.</summary>
    public async Task<VisitOutcome> LinkAsync(
        ProviderOptions provider, ProviderUser user, Guid userId, SessionBrowser browser, CancellationToken cancellation)
    {
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        await using OrgTransaction tx = await database.BeginAsync(provider.OrgId, cancellation);
        if (await Account.FindAsync(tx, userId, cancellation) is not { Status: AccountStatus.Active } account)
            return await RefuseAsync(tx, provider, null, SignInFault.NotLinked, browser, cancellation);
        if (await ExternalLogins.FindAsync(tx, user, now, cancellation) is { } owner)
            return owner == userId ? new VisitOutcome.Linked() : await RefuseAsync(tx, provider, account, SignInFault.LinkedElsewhere, browser, cancellation);
        if (!await ExternalLogins.AddAsync(tx, user, userId, NameOf(provider, user), now, cancellation))
            return await RefuseAsync(tx, provider, account, SignInFault.LinkedElsewhere, browser, cancellation);
        await tx.AuditAsync(Act(account.Username, "login.linked", provider, browser), cancellation);
        await tx.CommitAsync(cancellation);
        return new VisitOutcome.Linked();
    }

    public async Task<IReadOnlyList<ExternalLogin>> ListAsync(Caller caller, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        return await ExternalLogins.ListAsync(tx, caller.UserId, cancellation);
    }

    /// <returns>False when the caller has no such link, or no other way in.</returns>
    public async Task<bool> UnlinkAsync(Caller caller, string issuer, string subject, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        if (!await ExternalLogins.RemoveAsync(tx, caller.UserId, issuer, subject, cancellation)) return false;
        await tx.AuditAsync(caller.Act("login.unlinked", "user:" + caller.Username, Facts.Of(("issuer", issuer))), cancellation);
        await tx.CommitAsync(cancellation);
        return true;
    }

    private static async Task<(Account? Account, SignInFault? Fault)> OpenAsync(
        OrgTransaction tx, ProviderOptions provider, ProviderUser user, SessionBrowser browser, DateTimeOffset now, CancellationToken cancellation)
    {
        if (!provider.JustInTime) return (null, SignInFault.NotLinked);
        if (ClaimPath.Value(user.Claims, provider.UsernameClaim) is not { } username || !SignInName.IsUsername(username)) return (null, SignInFault.NoUsername);

        string role = RoleRule.RoleOf(provider.RoleRules, user.Claims);
        var row = new { UserId = Guid.CreateVersion7(now), tx.OrgId, Username = username, Role = role, Now = now };
        if (await tx.ExecuteAsync(InsertSql, row, cancellation) == 0) return (null, SignInFault.NameTaken);
        if (!await ExternalLogins.AddAsync(tx, user, row.UserId, NameOf(provider, user), now, cancellation)) return (null, SignInFault.LinkedElsewhere);
        IReadOnlyDictionary<string, string> facts = Facts.Of(("role", role), ("provider", provider.Id));
        await tx.AuditAsync(new AuditAct(username, "user.created", "user:" + username, facts, browser.IpAddress), cancellation);
        return (await Account.FindAsync(tx, row.UserId, cancellation), null);
    }

    // Nothing of a refused sign-in stays but the record of it.
    private async Task<VisitOutcome> RefuseAsync(
        OrgTransaction refused, ProviderOptions provider, Account? account, SignInFault fault, SessionBrowser browser, CancellationToken cancellation)
    {
        await refused.DisposeAsync();
        await using OrgTransaction tx = await database.BeginAsync(provider.OrgId, cancellation);
        await tx.AuditAsync(Act(account?.Username ?? "unknown", "login.failure", provider, browser, ("reason", Word.Of(fault))), cancellation);
        await tx.CommitAsync(cancellation);
        return new VisitOutcome.Failed(fault, provider);
    }

    private static AuditAct Act(
        string username, string action, ProviderOptions provider, SessionBrowser browser, params ReadOnlySpan<(string Name, string Value)> more) =>
        new(username, action, "user:" + username, Facts.Of([("provider", provider.Id), .. more]), browser.IpAddress);

    private static string NameOf(ProviderOptions provider, ProviderUser user)
    {
        string name = ClaimPath.Value(user.Claims, provider.UsernameClaim) ?? user.Subject;
        return name.Length <= NameCharactersMax ? name : name[..NameCharactersMax];
    }
}
