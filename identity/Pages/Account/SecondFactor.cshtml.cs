using HpcBilling.Identity.SecondFactors;
using HpcBilling.Identity.Sessions;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Pages.Account;

/// <summary>Own second factor: set up, renew its recovery codes, turn off.</summary>
[Authorize(IdentityServices.EnrolmentPolicy)]
[ResponseCache(NoStore = true)]
internal sealed class SecondFactorModel(OwnSecondFactor own, IOptions<SiteOptions> site) : PageModel
{
    public OwnSecondFactorState State { get; private set; } = new OwnSecondFactorState.Off();

    /// <summary>What the authenticator needs, while it waits to be confirmed.</summary>
    public AuthenticatorKey? Key { get; private set; }

    public IReadOnlyList<string> RecoveryCodes { get; private set; } = [];

    public string? Message { get; private set; }

    /// <summary>The session is good for nothing else until there is a second factor.</summary>
    public bool IsRequired => BrowserSession.IsForEnrolment(User) && RecoveryCodes.Count == 0;

    /// <summary>Where to go once the recovery codes are kept.</summary>
    public string Continue => ReturnUrl is null ? LeadToEnrolment.Path : this.LocalOrHome(ReturnUrl);

    [BindProperty(SupportsGet = true)]
    public string? ReturnUrl { get; set; }

    [BindProperty]
    public string? Code { get; set; }

    [BindProperty]
    public string? RenewCode { get; set; }

    [BindProperty]
    public string? OffPassword { get; set; }

    [BindProperty]
    public string? OffCode { get; set; }

    private Guid Session => BrowserSession.Of(User)!.Value;

    public Task<IActionResult> OnGetAsync(CancellationToken cancellation) => ShowAsync(cancellation);

    public async Task<IActionResult> OnPostBeginAsync(CancellationToken cancellation)
    {
        await own.BeginAsync(Caller.From(HttpContext), cancellation);
        return await ShowAsync(cancellation);
    }

    public async Task<IActionResult> OnPostConfirmAsync(CancellationToken cancellation) => await AnswerAsync(
        await own.ConfirmAsync(Caller.From(HttpContext), Session, Code ?? "", cancellation),
        Words.SecondFactorIsOn, nameof(Code), Words.SecondFactorConfirmRefused, cancellation);

    public async Task<IActionResult> OnPostRenewAsync(CancellationToken cancellation) => await AnswerAsync(
        await own.RenewCodesAsync(Caller.From(HttpContext), RenewCode ?? "", cancellation),
        Words.RecoveryCodesRenewed, nameof(RenewCode), Words.SecondStepRefused, cancellation);

    public async Task<IActionResult> OnPostOffAsync(CancellationToken cancellation) => await AnswerAsync(
        await own.TurnOffAsync(Caller.From(HttpContext), Session, OffPassword ?? "", OffCode ?? "", cancellation),
        Words.SecondFactorIsOff, nameof(OffCode), Words.SecondFactorOffRefused, cancellation);

    private async Task<IActionResult> AnswerAsync(
        OwnSecondFactorOutcome outcome, string success, string field, string refusal, CancellationToken cancellation)
    {
        if (outcome is OwnSecondFactorOutcome.Done done)
        {
            if (done.Session is { } session) SessionCookie.Set(Response, session.Secret);
            (Message, RecoveryCodes) = (success, done.RecoveryCodes);
        }
        else
        {
            ModelState.AddModelError(field, refusal);
        }

        return await ShowAsync(cancellation);
    }

    private async Task<IActionResult> ShowAsync(CancellationToken cancellation)
    {
        var caller = Caller.From(HttpContext);
        State = await own.ReadAsync(caller, cancellation);
        if (State is OwnSecondFactorState.Waiting waiting) Key = AuthenticatorKey.Of(waiting.Secret, site.Value.Name, caller.Username);
        return Page();
    }
}
