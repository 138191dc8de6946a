using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.Ui;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages;

/// <summary>The sign-in form. Every refusal looks the same.</summary>
[AllowAnonymous]
internal sealed class LoginModel(SignIn signIn) : PageModel
{
    /// <summary>Where the form is, told how it came that one is here again.</summary>
    public const string AfterPasswordSet = "/login?after=password";
    public const string AfterTimeRanOut = "/login?after=time";

    [BindProperty]
    public string? Username { get; set; }

    [BindProperty]
    public string? Password { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    [BindProperty(SupportsGet = true)]
    public string? After { get; set; }

    public bool Refused { get; private set; }

    public bool IsGoodNews => After == "password";

    public string? Notice => After switch
    {
        "password" => Words.PasswordSetSignIn,
        "time" => Words.SignInAgain,
        _ => null,
    };

    public IActionResult OnGet() => User.IsSignedIn() ? LocalRedirect(this.LocalOrHome(ReturnUrl)) : Page();

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        var attempt = new PasswordAttempt(Username ?? "", Password ?? "", HttpContext.Connection.RemoteIpAddress?.ToString() ?? "");
        switch (await signIn.RunAsync(attempt, Request.Headers.UserAgent.ToString(), BrowserSession.Of(User), cancellation))
        {
            case SignInOutcome.SignedIn signedIn:
                SessionCookie.Set(Response, signedIn.Secret);
                return new LocalSeeOther(signedIn.MustEnrol ? Then(LeadToEnrolment.Path) : this.LocalOrHome(ReturnUrl));
            case SignInOutcome.NeedsSecondFactor next:
                SignInCookie.Set(Response, next.Pending);
                return new LocalSeeOther(Then(LoginSecondFactorModel.Path));
            default:
                Refused = true;
                return Page();
        }
    }

    private string Then(string page) => page + QueryString.Create("returnUrl", this.LocalOrHome(ReturnUrl));
}
