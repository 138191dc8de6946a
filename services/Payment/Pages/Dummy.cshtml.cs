using HpcBilling.Payment.Providers.Dummy;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Payment.Pages;

/// <summary>The dummy provider's hosted page. It stands on the provider's side: no sign-in, the unguessable session is the key.</summary>
[AllowAnonymous]
internal sealed class DummyModel(DummyCheckouts checkouts, DummyWebhookSender webhook) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public string Session { get; set; } = "";

    public DummyCheckout? Checkout { get; private set; }

    public async Task<IActionResult> OnGetAsync(CancellationToken cancellation)
    {
        Checkout = await checkouts.FindAsync(Session, cancellation);
        Response.Headers.CacheControl = "no-store";
        return Checkout is null ? NotFound() : Page();
    }

    public async Task<IActionResult> OnPostAsync(string? outcome, CancellationToken cancellation)
    {
        if (outcome is not ("pay" or "decline")) return BadRequest();
        Checkout = await checkouts.FindAsync(Session, cancellation);
        if (Checkout is null) return NotFound();

        await checkouts.DecideAsync(Session, isPaid: outcome == "pay", cancellation);
        await webhook.TrySendAsync(Session, cancellation);
        Response.Headers.Location = Checkout.ReturnPath;
        return StatusCode(StatusCodes.Status303SeeOther);
    }
}
