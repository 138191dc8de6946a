using HpcBilling.Identity.Federation;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages.Account;

/// <summary>Who the account is at other providers. Only its owner, signed in, links it.</summary>
[Authorize(IdentityServices.SessionPolicy)]
[ResponseCache(NoStore = true)]
internal sealed class LoginsModel(FederatedAccounts accounts, Providers providers, BeginVisit begin) : PageModel
{
    public const string AfterLinking = "/account/logins?after=link";

    public IReadOnlyList<ExternalLogin> Logins { get; private set; } = [];

    /// <summary>Providers of the account's org.</summary>
    public IReadOnlyList<ProviderOptions> Offered { get; private set; } = [];

    public string? Message { get; private set; }

    public bool IsGoodNews { get; private set; }

    public string? ContinueAt { get; private set; }

    public string? ContinueName { get; private set; }

    public async Task<IActionResult> OnGetAsync(string? after, CancellationToken cancellation)
    {
        if (after == "link") (Message, IsGoodNews) = (Words.LoginsLinked, true);
        return await ShowAsync(cancellation);
    }

    // A form may lead to this site alone, so the way to the provider is a link; the browser follows it by itself.
    public async Task<IActionResult> OnPostLinkAsync(string? provider, CancellationToken cancellation)
    {
        var caller = Caller.From(HttpContext);
        if (providers.Find(provider ?? "") is not { } chosen || chosen.Options.OrgId != caller.OrgId) return NotFound();
        try
        {
            ContinueAt = await begin.RunAsync(HttpContext, chosen.Options.Id, returnUrl: null, caller.UserId, cancellation);
            ContinueName = chosen.Options.Name;
            Response.Headers["Refresh"] = "0; url=" + ContinueAt;
        }
        catch (ProviderException)
        {
            Message = Words.VisitUnreachable;
        }

        return await ShowAsync(cancellation);
    }

    public async Task<IActionResult> OnPostUnlinkAsync(string? issuer, string? subject, CancellationToken cancellation)
    {
        IsGoodNews = await accounts.UnlinkAsync(Caller.From(HttpContext), issuer ?? "", subject ?? "", cancellation);
        Message = IsGoodNews ? Words.LoginsUnlinked : Words.LoginsLastWayIn;
        return await ShowAsync(cancellation);
    }

    public string NameOf(ExternalLogin login) =>
        providers.All.FirstOrDefault(provider => provider.Authority.TrimEnd('/') == login.Issuer.TrimEnd('/'))?.Name ?? login.Issuer;

    private async Task<IActionResult> ShowAsync(CancellationToken cancellation)
    {
        var caller = Caller.From(HttpContext);
        Logins = await accounts.ListAsync(caller, cancellation);
        Offered = [.. providers.All.Where(provider => provider.OrgId == caller.OrgId)];
        return Page();
    }
}
