using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Receipts;

/// <summary>Anybody's receipt, marking it paid when the money came another way, and recording that a credit note was paid back.</summary>
public sealed class ReceiptModel(RatingClient rating, RatingOffice office, Payments payments) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }
    [BindProperty(SupportsGet = true)] public bool Settled { get; set; }
    [BindProperty] public string? Reason { get; set; }
    [BindProperty] public string? Note { get; set; }

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

    public async Task<IActionResult> OnPostRefundAsync(Guid id, CancellationToken ct)
    {
        Answer<ReceiptSummary> answer = await office.RefundAsync(id, Note?.Trim(), ct);
        if (answer.ValueOrNull is not null) return Redirect($"/admin/receipts/{id}");
        if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        return await ShowAsync(id, ct);
    }

    private async Task<IActionResult> ShowAsync(Guid id, CancellationToken ct)
    {
        Receipt = await rating.ReceiptAsync(id, Cursor, limit: null, ct);
        return Receipt.ErrorPage() ?? Page();
    }
}
