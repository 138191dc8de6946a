using System.Globalization;
using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Receipts;

/// <summary>Everybody's receipts, and the run that issues them: first what it would bill, then the button.</summary>
public sealed class IndexModel(RatingClient rating, RatingOffice office, SiteClock clock) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Username { get; set; }
    [BindProperty(SupportsGet = true)] public string? Status { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }
    [BindProperty(SupportsGet = true)] public DateOnly? Until { get; set; }

    public string ZoneId => clock.ZoneId;
    public Answer<CursorPage<ReceiptSummary>> Receipts { get; private set; } = null!;
    public Answer<UsageTotals>? Due { get; private set; }
    public IAnswer? Failure { get; private set; }

    public Task OnGetAsync(CancellationToken ct) => LoadAsync(ct);

    public async Task<IActionResult> OnPostAsync(CancellationToken ct)
    {
        if (ModelState.IsValid)
        {
            Answer<ReceiptRun> answer = await office.StartReceiptRunAsync(Day, ct);
            if (answer.ValueOrNull is { } run) return Redirect($"/admin/receipts/runs/{run.Id}");
            if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        }

        await LoadAsync(ct);
        return Page();
    }

    private string? Day => Until?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private async Task LoadAsync(CancellationToken ct)
    {
        string user = string.IsNullOrWhiteSpace(Username) ? "*" : Username.Trim();
        Task<Answer<CursorPage<ReceiptSummary>>> receipts = rating.ReceiptsAsync(user, Status, Cursor, ct);
        if (ModelState.IsValid) Due = await rating.TotalsAsync("*", from: null, Day, ct);
        Receipts = await receipts;
    }
}
