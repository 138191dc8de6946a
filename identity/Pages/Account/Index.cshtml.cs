using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
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
        Message = await signOut.OtherAsync(Caller.From(HttpContext), sessionId, cancellation) ? Words.SessionEnded : Words.SessionHadEnded;
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
            case ChangePasswordOutcome.Changed { Session: { } session }:
                SessionCookie.Set(Response, session.Secret);
                Message = Words.PasswordChanged;
                return await ShowAsync(cancellation, session.SessionId);
            case ChangePasswordOutcome.Changed:
                SessionCookie.Clear(Response);
                return new LocalSeeOther(LoginModel.AfterPasswordSet);
            case ChangePasswordOutcome.NotTaken refusal:
                ModelState.AddModelError(nameof(NewPassword), Words.NewPasswordRefused.With(refusal.Reason));
                break;
            default:
                ModelState.AddModelError(nameof(CurrentPassword), Words.CurrentPasswordWrong);
                break;
        }

        return await ShowAsync(cancellation);
    }

    private async Task<IActionResult> ShowAsync(CancellationToken cancellation, Guid? thisSession = null)
    {
        var caller = Caller.From(HttpContext);
        ThisSession = thisSession ?? Guid.Parse(caller.SessionId!);
        Sessions = await list.RunAsync(caller, cancellation);
        return Page();
    }
}
