using HpcBilling.Payment.Domain;
using HpcBilling.Payment.RequestingPayment;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Payment.Pages;

/// <summary>Back from the checkout: says what the provider has told us so far, which may be nothing yet.</summary>
[Authorize(Policy = Policies.User)]
internal sealed class ThanksModel(Database database) : PageModel
{
    private const int TriesMax = 30;
    private const int RefreshSeconds = 2;

    [BindProperty(SupportsGet = true, Name = "payment")]
    public Guid PaymentId { get; set; }

    /// <summary>How often the page has looked again by itself.</summary>
    [BindProperty(SupportsGet = true, Name = "try")]
    public int Try { get; set; }

    public PaymentView? Payment { get; private set; }

    public string Title => Payment!.Status switch
    {
        PaymentStatus.Succeeded => PayWords.ThanksPaid,
        PaymentStatus.Duplicate => PayWords.ThanksTwice,
        PaymentStatus.Failed => PayWords.ThanksFailed,
        _ => PayWords.ThanksPending,
    };

    public string Lead => Payment!.Status switch
    {
        PaymentStatus.Succeeded => PayWords.ThanksPaidLead,
        PaymentStatus.Duplicate => PayWords.ThanksTwiceLead,
        PaymentStatus.Failed => PayWords.ThanksFailedLead,
        _ => PayWords.ThanksPendingLead,
    };

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        var caller = Caller.From(HttpContext);
        Payment = await PaymentView.FindAsync(database, caller, PaymentId, cancellation);
        if (Payment is null)
        {
            bool isOtherOrgs = await database.RefuseOtherOrgAsync(PaymentView.Payment, PaymentId, caller, cancellation) is not null;
            return isOtherOrgs ? StatusCode(StatusCodes.Status403Forbidden) : NotFound();
        }

        Response.Headers.CacheControl = "no-store";
        if (Payment.Status == PaymentStatus.Pending && Try is >= 0 and < TriesMax)
            Response.Headers["Refresh"] = $"{RefreshSeconds};url=/payments/thanks?payment={PaymentId}&try={Try + 1}";
        return Page();
    }
}
