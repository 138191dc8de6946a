using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Options;

namespace HpcBilling.Admin.Pages.Tiers;

/// <summary>Looks up a user's price tier and moves him to another.</summary>
public sealed class IndexModel(RatingOffice office, IOptions<SiteOptions> site) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Username { get; set; }
    [BindProperty] public string? Tier { get; set; }

    public IReadOnlyList<string> Tiers => site.Value.TierNames;
    public Answer<UserTier>? Current { get; private set; }
    public IAnswer? Failure { get; private set; }
    public bool HasChanged { get; private set; }

    public Task OnGetAsync(CancellationToken ct) => LoadAsync(ct);

    public async Task<IActionResult> OnPostAsync(CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(Username)) return Redirect("/admin/tiers");
        Answer<UserTier> answer = await office.AssignTierAsync(Username.Trim(), Tier, ct);
        HasChanged = answer.ValueOrNull is not null;
        if (!HasChanged && !ModelState.TakeFieldErrors(answer)) Failure = answer;
        await LoadAsync(ct);
        return Page();
    }

    private async Task LoadAsync(CancellationToken ct)
    {
        if (!string.IsNullOrWhiteSpace(Username)) Current = await office.TierAsync(Username.Trim(), ct);
    }
}
