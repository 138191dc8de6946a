using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Portal.Pages.Me.Receipts;

/// <summary>The visitor's receipts, and a new one: first what it would hold, then the button that issues it.</summary>
[Authorize(Policies.User)]
public sealed class IndexModel(RatingClient rating, SiteClock clock) : PageModel
{
    [BindProperty(SupportsGet = true)] public DateOnly? Until { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }

    public string ZoneId => clock.ZoneId;
    public Answer<CursorPage<ReceiptSummary>>? Receipts { get; private set; }
    public Answer<UsageTotals>? Due { get; private set; }
    public IAnswer? Failure { get; private set; }
    public bool HadNothingToBill { get; private set; }

    public Task OnGetAsync(CancellationToken ct) => LoadAsync(ct);

    public async Task<IActionResult> OnPostAsync(CancellationToken ct)
    {
        if (ModelState.IsValid)
        {
            Answer<IssuedReceipt> answer = await rating.IssueReceiptAsync(Day, ct);
            if (answer.ValueOrNull is { Id: { } id }) return Redirect($"/me/receipts/{id}?created=true");
            HadNothingToBill = answer.ValueOrNull is not null;
            if (!HadNothingToBill && !ModelState.TakeFieldErrors(answer)) Failure = answer;
        }

        await LoadAsync(ct);
        return Page();
    }

    private string? Day => Until?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private async Task LoadAsync(CancellationToken ct)
    {
        Task<Answer<CursorPage<ReceiptSummary>>> receipts = rating.ReceiptsAsync(User.Username(), status: null, Cursor, ct);
        if (ModelState.IsValid) Due = await rating.TotalsAsync(User.Username(), from: null, Day, ct);
        Receipts = await receipts;
    }
}
