using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Jobs;

/// <summary>One job: how far it is, what it found, what happened to it; the lines of an import that could not be read, the balance of a month.</summary>
public sealed class JobModel(Clients.Jobs jobs, Reconciliations reconciliations) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }

    public Answer<Job> Job { get; private set; } = null!;
    public Answer<CursorPage<JobEvent>>? Events { get; private set; }
    public Answer<CursorPage<QuarantinedLine>>? Quarantine { get; private set; }
    public Answer<WeighedMonth>? Month { get; private set; }
    public IAnswer? Failure { get; private set; }

    public Task<IActionResult> OnGetAsync(Guid id, CancellationToken ct) => ShowAsync(id, ct);

    public async Task<IActionResult> OnPostCancelAsync(Guid id, CancellationToken ct) => await AfterAsync(id, await jobs.CancelAsync(id, ct), ct);

    public async Task<IActionResult> OnPostRequeueAsync(Guid id, CancellationToken ct) => await AfterAsync(id, await jobs.RequeueAsync(id, ct), ct);

    private async Task<IActionResult> AfterAsync(Guid id, Answer<Job> answer, CancellationToken ct)
    {
        // The page looks again by itself while the job goes on, and must not ask twice.
        if (answer.ValueOrNull is not null) return Redirect($"/admin/jobs/{id}");
        Failure = answer;
        return await ShowAsync(id, ct);
    }

    private async Task<IActionResult> ShowAsync(Guid id, CancellationToken ct)
    {
        Job = await jobs.FindAsync(id, ct);
        if (Job.ErrorPage() is { } errorPage) return errorPage;
        Events = await jobs.EventsAsync(id, ct);
        if (Job.ValueOrNull is { Type: "reconcile", Status: "succeeded", Subject: { } cluster }) Month = await reconciliations.FindAsync(cluster, id, ct);
        if (Job.ValueOrNull is { IsImport: true, Quarantined: > 0 }) Quarantine = await jobs.QuarantineAsync(id, Cursor, ct);
        return Page();
    }
}
