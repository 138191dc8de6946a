using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Jobs;

/// <summary>Imports, newest first.</summary>
public sealed class IndexModel(ImportJobs imports) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }

    public Answer<CursorPage<ImportJob>> Jobs { get; private set; } = null!;

    public async Task OnGetAsync(CancellationToken ct) => Jobs = await imports.ListAsync(Cursor, ct);
}
