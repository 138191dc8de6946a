using HpcBilling.Identity.Accounts;
using HpcBilling.Ui;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages;

/// <summary>Where the code that an admin handed over becomes a password.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true)]
internal sealed class LoginResetModel(SetPassword setPassword) : PageModel
{
    [BindProperty]
    public string? Username { get; set; }

    [BindProperty]
    public string? Code { get; set; }

    [BindProperty]
    public string? NewPassword { get; set; }

    public bool Refused { get; private set; }

    public IActionResult OnGet() => Page();

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        var attempt = new PasswordAttempt(Username ?? "", Code ?? "", HttpContext.Connection.RemoteIpAddress?.ToString() ?? "");
        switch (await setPassword.RunAsync(attempt, NewPassword ?? "", cancellation))
        {
            case SetPasswordOutcome.Done:
                return new LocalSeeOther(LoginModel.AfterPasswordSet);
            case SetPasswordOutcome.NotTaken refusal:
                ModelState.AddModelError(nameof(NewPassword), Words.NewPasswordRefused.With(refusal.Reason));
                return Page();
            default:
                Refused = true;
                return Page();
        }
    }
}
