using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages;

/// <summary>The sign-in form. Every refusal looks the same.</summary>
[AllowAnonymous]
internal sealed class LoginModel(SignIn signIn) : PageModel
{
    [BindProperty]
    public string? Username { get; set; }

    [BindProperty]
    public string? Password { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    public bool Refused { get; private set; }

    public IActionResult OnGet() => User.IsSignedIn() ? LocalRedirect(Destination()) : Page();

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        var attempt = new PasswordAttempt(Username ?? "", Password ?? "", HttpContext.Connection.RemoteIpAddress?.ToString() ?? "");
        Guid? previous = Guid.TryParse(User.FindFirst(Claims.Session)?.Value, out Guid session) ? session : null;
        switch (await signIn.RunAsync(attempt, Request.Headers.UserAgent.ToString(), previous, cancellation))
        {
            case SignInOutcome.SignedIn signedIn:
                SessionCookie.Set(Response, signedIn.Secret);
                return new LocalSeeOther(Destination());
            default:
                Refused = true;
                return Page();
        }
    }

    // To this site and nowhere else: a link to /login must not end on a stranger's page.
    private string Destination() => Url.IsLocalUrl(ReturnUrl) ? ReturnUrl! : "/";
}
