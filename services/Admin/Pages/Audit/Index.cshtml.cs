using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Audit;

/// <summary>Who did what, and whether the chain still holds.</summary>
public sealed class IndexModel(AuditLog log, SiteClock clock) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Act { get; set; }
    [BindProperty(SupportsGet = true)] public string? Actor { get; set; }
    [BindProperty(SupportsGet = true)] public DateOnly? From { get; set; }
    [BindProperty(SupportsGet = true)] public DateOnly? To { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }

    public string ZoneId => clock.ZoneId;
    public Answer<CursorPage<AuditEntry>>? Entries { get; private set; }
    public Answer<ChainVerdict>? Verdict { get; private set; }

    public Task OnGetAsync(CancellationToken ct) => LoadAsync(ct);

    /// <summary>Reads the whole chain, so it is asked for by a button and not by following a link.</summary>
    public async Task OnPostVerifyAsync(CancellationToken ct)
    {
        Verdict = await log.VerifyAsync(ct);
        await LoadAsync(ct);
    }

    private async Task LoadAsync(CancellationToken ct)
    {
        if (!ModelState.IsValid) return;
        Entries = await log.ListAsync(
            new Query
            {
                ["action"] = Act,
                ["actor"] = Actor,
                ["from"] = Instant(From),
                ["to"] = Instant(To),
                ["cursor"] = Cursor,
            },
            ct);
    }

    // The audit service takes days as UTC; here they are the site's.
    private string? Instant(DateOnly? day) => day is { } given ? clock.StartOf(given).UtcDateTime.ToString("O") : null;
}
