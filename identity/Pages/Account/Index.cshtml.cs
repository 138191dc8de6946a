using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages.Account;

/// <summary>Own sessions and password.</summary>
[Authorize(IdentityServices.SessionPolicy)]
internal sealed class IndexModel(ListSessions list, SignOut signOut, ChangePassword changePassword) : PageModel
{
    public IReadOnlyList<SessionRow> Sessions { get; private set; } = [];

    public Guid ThisSession { get; private set; }

    public string? Message { get; private set; }

    [BindProperty]
    public string? CurrentPassword { get; set; }

    [BindProperty]
    public string? NewPassword { get; set; }

    public Task<IActionResult> OnGetAsync(CancellationToken cancellation) => ShowAsync(cancellation);

    public async Task<IActionResult> OnPostRevokeAsync(Guid sessionId, CancellationToken cancellation)
    {
        Message = await signOut.OtherAsync(Caller.From(HttpContext), sessionId, cancellation) ? "That session has ended." : "That session had ended already.";
        return await ShowAsync(cancellation);
    }

    public async Task<IActionResult> OnPostEverywhereAsync(CancellationToken cancellation)
    {
        await signOut.EverywhereAsync(Caller.From(HttpContext), cancellation);
        SessionCookie.Clear(Response);
        return new LocalSeeOther("/login");
    }

    public async Task<IActionResult> OnPostPasswordAsync(CancellationToken cancellation)
    {
        switch (await changePassword.RunAsync(Caller.From(HttpContext), CurrentPassword ?? "", NewPassword ?? "", cancellation))
        {
            case ChangePasswordOutcome.Changed:
                Message = "The password is changed; other sessions have ended.";
                break;
            case ChangePasswordOutcome.NotTaken refusal:
                ModelState.AddModelError(nameof(NewPassword), "The new password " + refusal.Reason + ".");
                break;
            default:
                ModelState.AddModelError(nameof(CurrentPassword), "That is not the current password, or there were too many tries.");
                break;
        }

        return await ShowAsync(cancellation);
    }

    private async Task<IActionResult> ShowAsync(CancellationToken cancellation)
    {
        var caller = Caller.From(HttpContext);
        ThisSession = Guid.Parse(caller.SessionId!);
        Sessions = await list.RunAsync(caller, cancellation);
        return Page();
    }
}
