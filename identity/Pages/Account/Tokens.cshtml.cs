using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Tokens;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages.Account;

/// <summary>Own personal access tokens; a new one is shown once.</summary>
[Authorize(IdentityServices.SessionPolicy)]
[ResponseCache(NoStore = true)]
internal sealed class TokensModel(PersonalAccessTokens tokens, TimeProvider clock) : PageModel
{
    public IReadOnlyList<TokenRow> Tokens { get; private set; } = [];

    public IReadOnlyList<string> GrantableScopes => Scopes.Of(User.HasClaim(Claims.Role, "admin") ? Role.Admin : Role.User);

    public CreateTokenOutcome.Created? Created { get; private set; }

    public string? Message { get; private set; }

    public DateTimeOffset Now { get; } = clock.GetUtcNow();

    [BindProperty]
    public string? Name { get; set; }

    [BindProperty]
    public IReadOnlyList<string> ChosenScopes { get; set; } = [];

    [BindProperty]
    public int Days { get; set; } = 90;

    public Task<IActionResult> OnGetAsync(CancellationToken cancellation) => ShowAsync(cancellation);

    public async Task<IActionResult> OnPostCreateAsync(CancellationToken cancellation)
    {
        switch (await tokens.CreateAsync(Caller.From(HttpContext), new NewToken(Name, ChosenScopes, Days), cancellation))
        {
            case CreateTokenOutcome.Created created:
                Created = created;
                break;
            case CreateTokenOutcome.Invalid invalid:
                ModelState.AddModelError(invalid.Field == "days" ? nameof(Days) : nameof(Name), $"{invalid.Field}: {invalid.Reason}");
                break;
            default:
                return Forbid();
        }

        return await ShowAsync(cancellation);
    }

    public async Task<IActionResult> OnPostRevokeAsync(Guid tokenId, CancellationToken cancellation)
    {
        Message = await tokens.RevokeAsync(Caller.From(HttpContext), tokenId, cancellation) ? Words.TokenRevoked : Words.TokenHadEnded;
        return await ShowAsync(cancellation);
    }

    private async Task<IActionResult> ShowAsync(CancellationToken cancellation)
    {
        Tokens = await tokens.ListAsync(Caller.From(HttpContext), cancellation);
        return Page();
    }
}
