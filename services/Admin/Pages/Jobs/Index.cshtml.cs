using System.Globalization;
using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Jobs;

/// <summary>Jobs of every type, newest first; and an export to ask for.</summary>
public sealed class IndexModel(Clients.Jobs jobs, SiteClock clock) : PageModel
{
    public static readonly IReadOnlyList<string> Types = ["import", "poll", "month", "backfill", "reconcile", "export"];
    public static readonly IReadOnlyList<string> Statuses = ["queued", "running", "succeeded", "failed", "dead_letter", "cancelled"];

    [BindProperty(SupportsGet = true)] public string? Type { get; set; }
    [BindProperty(SupportsGet = true)] public string? Status { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }
    [BindProperty] public DateOnly? From { get; set; }
    [BindProperty] public DateOnly? To { get; set; }
    [BindProperty] public string? Cluster { get; set; }

    public string ZoneId => clock.ZoneId;
    public Answer<CursorPage<Job>> Jobs { get; private set; } = null!;
    public IAnswer? Failure { get; private set; }

    public async Task OnGetAsync(CancellationToken ct) => Jobs = await jobs.ListAsync(Type, Status, Cursor, ct);

    public async Task<IActionResult> OnPostExportAsync(CancellationToken ct)
    {
        if (ModelState.IsValid)
        {
            Answer<Job> answer = await jobs.ExportAsync(Instant(From), Instant(To), string.IsNullOrWhiteSpace(Cluster) ? null : Cluster.Trim(), ct);
            if (answer.ValueOrNull is { } job) return Redirect($"/admin/jobs/{job.Id}");
            if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        }

        Jobs = await jobs.ListAsync(Type, Status, Cursor, ct);
        return Page();
    }

    private string? Instant(DateOnly? day) => day is { } date ? clock.StartOf(date).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null;
}
