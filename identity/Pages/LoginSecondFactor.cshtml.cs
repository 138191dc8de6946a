using HpcBilling.Identity.Sessions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages;

/// <summary>The second step of a sign-in; it is there for a browser that has just given a right password.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true)]
internal sealed class LoginSecondFactorModel(FinishSignIn finish) : PageModel
{
    public const string Path = "/login/second-factor";

    [BindProperty]
    public string? Code { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    public bool Refused { get; private set; }

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation) =>
        await finish.IsPendingAsync(SignInCookie.Read(Request), cancellation) ? Page() : new LocalSeeOther(LoginModel.AfterTimeRanOut);

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        var browser = new SessionBrowser(HttpContext.Connection.RemoteIpAddress?.ToString() ?? "", Request.Headers.UserAgent.ToString());
        switch (await finish.RunAsync(SignInCookie.Read(Request), Code ?? "", browser, BrowserSession.Of(User), cancellation))
        {
            case FinishSignInOutcome.SignedIn signedIn:
                SignInCookie.Clear(Response);
                SessionCookie.Set(Response, signedIn.Secret);
                return new LocalSeeOther(this.LocalOrHome(ReturnUrl));
            case FinishSignInOutcome.Gone:
                SignInCookie.Clear(Response);
                return new LocalSeeOther(LoginModel.AfterTimeRanOut);
            default:
                Refused = true;
                ModelState.Remove(nameof(Code)); // a code that was sent once is not sent again by leaving it in its field
                Code = null;
                return Page();
        }
    }
}
