using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Jobs;

/// <summary>One import: how far it is, what it found, and the lines that could not be read.</summary>
public sealed class JobModel(ImportJobs imports) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }

    public Answer<ImportJob> Job { get; private set; } = null!;
    public Answer<CursorPage<QuarantinedLine>>? Quarantine { get; private set; }

    public async Task<IActionResult> OnGetAsync(Guid id, CancellationToken ct)
    {
        Job = await imports.JobAsync(id, ct);
        if (Job.ErrorPage() is { } errorPage) return errorPage;
        if (Job.ValueOrNull is { Quarantined: > 0 }) Quarantine = await imports.QuarantineAsync(id, Cursor, ct);
        return Page();
    }
}
