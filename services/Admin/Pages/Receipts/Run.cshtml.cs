using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Receipts;

/// <summary>How far a receipt run is; looks again by itself until it is over.</summary>
public sealed class RunModel(RatingOffice office) : PageModel
{
    public Answer<ReceiptRun> Run { get; private set; } = null!;

    public async Task<IActionResult> OnGetAsync(Guid id, CancellationToken ct)
    {
        Run = await office.ReceiptRunAsync(id, ct);
        return Run.ErrorPage() ?? Page();
    }
}
