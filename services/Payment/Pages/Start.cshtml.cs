using HpcBilling.Payment.Providers;
using HpcBilling.Payment.RequestingPayment;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Payment.Pages;

/// <summary>Amount and number of a receipt, and the way to its hosted checkout.</summary>
[Authorize(Policy = Policies.User)]
[Authorize(Policy = PayScope)]
internal sealed class StartModel(Database database, StartPayment payments, ProviderDirectory providers) : PageModel
{
    private const string PayScope = "scope:payments.write";
    private const int TriesMax = 10;
    private const int RefreshSeconds = 2;

    [BindProperty(SupportsGet = true)]
    public Guid Id { get; set; }

    /// <summary>How often the page has looked by itself for a receipt that is not here yet.</summary>
    [BindProperty(SupportsGet = true, Name = "try")]
    public int Try { get; set; }

    public PayableView? Payable { get; private set; }

    public bool CanPayOnline => providers.Preferred is not null;

    public string? Notice { get; private set; }

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation) => await ShowAsync(StatusCodes.Status200OK, cancellation);

    public async Task<IActionResult> OnPostAsync(CancellationToken cancellation)
    {
        switch (await payments.StartAsync(Id, Caller.From(HttpContext), cancellation))
        {
            case StartOutcome.ToCheckout checkout:
                Response.Headers.Location = checkout.Url;
                return StatusCode(StatusCodes.Status303SeeOther);
            case StartOutcome.ProviderUnavailable:
                Notice = PayWords.ProviderUnavailable;
                return await ShowAsync(StatusCodes.Status503ServiceUnavailable, cancellation);
            default:
                return await ShowAsync(StatusCodes.Status409Conflict, cancellation); // settled or gone meanwhile: the page says which
        }
    }

    // A receipt that is just on its way here and one of a colleague look the same: nobody learns which receipts there are.
    private async Task<IActionResult> ShowAsync(int status, CancellationToken cancellation)
    {
        var caller = Caller.From(HttpContext);
        Payable = await PayableView.FindAsync(database, caller, Id, cancellation);
        if (Payable is null && await database.RefuseOtherOrgAsync(PayableView.Receipt, Id, caller, cancellation) is not null)
            return StatusCode(StatusCodes.Status403Forbidden);
        Response.StatusCode = Payable is null ? StatusCodes.Status404NotFound : status;
        Response.Headers.CacheControl = "no-store";
        if (Payable is null && Try is >= 0 and < TriesMax)
            Response.Headers["Refresh"] = $"{RefreshSeconds};url=/payments/receipt/{Id}/start?try={Try + 1}";
        return Page();
    }
}
