using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Tariffs;

/// <summary>Rates in force, tier by tier.</summary>
public sealed class IndexModel(RatingClient rating) : PageModel
{
    public Answer<TariffList> Tariffs { get; private set; } = null!;

    public async Task OnGetAsync(CancellationToken ct) => Tariffs = await rating.TariffsAsync(ct);
}
