using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Receipts;

/// <summary>Anybody's receipt, and marking it paid when the money came another way.</summary>
public sealed class ReceiptModel(RatingClient rating, Payments payments) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }
    [BindProperty(SupportsGet = true)] public bool Settled { get; set; }
    [BindProperty] public string? Reason { get; set; }

    public Answer<Receipt> Receipt { get; private set; } = null!;
    public IAnswer? Failure { get; private set; }

    public Task<IActionResult> OnGetAsync(Guid id, CancellationToken ct) => ShowAsync(id, ct);

    public async Task<IActionResult> OnPostAsync(Guid id, CancellationToken ct)
    {
        Answer<Settlement> answer = await payments.SettleAsync(id, Reason?.Trim(), ct);
        if (answer.ValueOrNull is not null) return Redirect($"/admin/receipts/{id}?settled=true");
        if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        return await ShowAsync(id, ct);
    }

    private async Task<IActionResult> ShowAsync(Guid id, CancellationToken ct)
    {
        Receipt = await rating.ReceiptAsync(id, Cursor, limit: null, ct);
        return Receipt.ErrorPage() ?? Page();
    }
}
