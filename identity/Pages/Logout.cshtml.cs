using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages;

/// <summary>Ends the session of this browser. Anonymous too: whoever is signed out already is where he wants to be.</summary>
[AllowAnonymous]
internal sealed class LogoutModel(SignOut signOut) : PageModel
{
    public IActionResult OnGet() => User.IsSignedIn() ? Page() : LocalRedirect("/");

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        if (BrowserSession.Of(User) is { } session) await signOut.ThisAsync(Caller.From(HttpContext), session, cancellation);
        SessionCookie.Clear(Response);
        return new LocalSeeOther("/");
    }
}
