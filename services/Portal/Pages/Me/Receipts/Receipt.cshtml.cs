using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Portal.Pages.Me.Receipts;

/// <summary>One receipt of the visitor: lines, rates, total, and how to pay it.</summary>
[Authorize(Policies.User)]
public sealed class ReceiptModel(RatingClient rating) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }
    [BindProperty(SupportsGet = true)] public bool Created { get; set; }

    public Answer<Receipt> Receipt { get; private set; } = null!;

    public async Task<IActionResult> OnGetAsync(Guid id, CancellationToken ct)
    {
        Receipt = await rating.ReceiptAsync(id, Cursor, limit: null, ct);

        // An admin may read every receipt, but these pages show one's own: rating answers him, so it is checked here.
        bool isForeign = Receipt.ValueOrNull is { } receipt && receipt.Username != User.Username();
        return isForeign ? NotFound() : Receipt.ErrorPage() ?? Page();
    }
}
