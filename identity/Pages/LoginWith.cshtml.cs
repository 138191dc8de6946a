using HpcBilling.Identity.Federation;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages;

/// <summary><c>/login/with/{provider}</c> leads to a provider's sign-in; <c>/callback</c> below it is where the provider sends the browser back.</summary>
[AllowAnonymous]
[ResponseCache(NoStore = true)]
internal sealed class LoginWithModel(BeginVisit begin, EndVisit end, Providers providers) : PageModel
{
    private const string Callback = "callback";

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    public string ProviderName { get; private set; } = "";

    public string Reason { get; private set; } = "";

    public string Again { get; private set; } = "/login";

    public async Task<IActionResult> OnGetAsync(string provider, string? step, CancellationToken cancellation) => step switch
    {
        null => await BeginAsync(provider, cancellation),
        Callback => await EndAsync(provider, cancellation),
        _ => NotFound(),
    };

    private async Task<IActionResult> BeginAsync(string provider, CancellationToken cancellation)
    {
        try
        {
            string? address = await begin.RunAsync(HttpContext, provider, this.LocalOrHome(ReturnUrl), linkUserId: null, cancellation);
            return address is null ? NotFound() : Redirect(address);
        }
        catch (ProviderException failure)
        {
            return Show(failure.Fault, providers.Find(provider)!.Options);
        }
    }

    private async Task<IActionResult> EndAsync(string provider, CancellationToken cancellation)
    {
        var answer = new ProviderAnswer(Query("code"), Query("state"), Query("iss"), Query("error"));
        (Guid, Guid)? signedIn = BrowserSession.Of(User) is { } session && Guid.TryParse(User.FindFirst(Claims.Subject)?.Value, out Guid user) ? (user, session) : null;
        switch (await end.RunAsync(HttpContext, provider, answer, signedIn, cancellation))
        {
            case VisitOutcome.SignedIn signed:
                SessionCookie.Set(Response, signed.Secret);
                return new LocalSeeOther(this.LocalOrHome(signed.ReturnUrl));
            case VisitOutcome.Linked:
                return new LocalSeeOther(Account.LoginsModel.AfterLinking);
            case VisitOutcome.Failed failed:
                return Show(failed.Fault, failed.Provider);
            default:
                return NotFound();
        }
    }

    private PageResult Show(SignInFault fault, ProviderOptions provider)
    {
        ProviderName = provider.Name;
        Again = "/login/with/" + provider.Id;
        (Response.StatusCode, Reason) = fault switch
        {
            SignInFault.State => (StatusCodes.Status400BadRequest, Words.VisitState),
            SignInFault.Declined => (StatusCodes.Status403Forbidden, Words.VisitDeclined),
            SignInFault.Unreachable => (StatusCodes.Status502BadGateway, Words.VisitUnreachable),
            SignInFault.NotLinked => (StatusCodes.Status403Forbidden, Words.VisitNotLinked),
            SignInFault.NoUsername => (StatusCodes.Status403Forbidden, Words.VisitNoUsername),
            SignInFault.NameTaken => (StatusCodes.Status403Forbidden, Words.VisitNameTaken),
            SignInFault.Disabled => (StatusCodes.Status403Forbidden, Words.VisitDisabled),
            SignInFault.LinkedElsewhere => (StatusCodes.Status409Conflict, Words.VisitLinkedElsewhere),
            _ => (StatusCodes.Status403Forbidden, Words.VisitUnverified),
        };
        return Page();
    }

    private string? Query(string name) => Request.Query[name] is [var only] ? only : null;
}
