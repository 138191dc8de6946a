using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages;

/// <summary>Overview: what stands where, and what came in last.</summary>
public sealed class IndexModel(RatingClient rating, Clients.Jobs work) : PageModel
{
    private const int NewestShown = 6;

    public Answer<UsageTotals> Totals { get; private set; } = null!;
    public Answer<CursorPage<ReceiptSummary>> Receipts { get; private set; } = null!;
    public Answer<CursorPage<Job>> Jobs { get; private set; } = null!;

    public async Task OnGetAsync(CancellationToken ct)
    {
        Task<Answer<UsageTotals>> totals = rating.TotalsAsync("*", from: null, to: null, ct);
        Task<Answer<CursorPage<ReceiptSummary>>> receipts = rating.ReceiptsAsync("*", status: null, cursor: null, ct);
        Task<Answer<CursorPage<Job>>> jobs = work.ListAsync(type: null, status: null, cursor: null, ct);
        (Totals, Receipts, Jobs) = (await totals, await receipts, await jobs);
    }

    public static CursorPage<T> Newest<T>(CursorPage<T> page) => new([.. page.Items.Take(NewestShown)], NextCursor: null);
}
