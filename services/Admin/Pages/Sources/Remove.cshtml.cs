using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Sources;

/// <summary>Asks before a source is removed.</summary>
public sealed class RemoveModel(SlurmSources sources) : PageModel
{
    [FromQuery] public string? Cluster { get; set; }
    [FromQuery] public string? Source { get; set; }

    public Answer<SourceList> Stored { get; private set; } = null!;
    public SlurmSource? Current { get; private set; }
    public IAnswer? Failure { get; private set; }

    public async Task<IActionResult> OnGetAsync(CancellationToken ct) => await LoadAsync(ct) ?? Page();

    public async Task<IActionResult> OnPostAsync(CancellationToken ct)
    {
        if (await LoadAsync(ct) is { } instead) return instead;
        Answer<RemovedSource> answer = await sources.RemoveAsync(Current!.Id!.Value, ct);
        if (answer is Answer<RemovedSource>.Got or Answer<RemovedSource>.Missing) return Redirect(SourceFormModel.Overview + "?done=removed");
        Failure = answer;
        return Page();
    }

    private async Task<IActionResult?> LoadAsync(CancellationToken ct)
    {
        Stored = await sources.ListAsync(ct);
        if (Stored.ValueOrNull is not { } list) return Stored.ErrorPage() ?? Page();
        Current = list.Find(Cluster, Source) is { IsOwn: true } own ? own : null;
        return Current is null ? NotFound() : null;
    }
}
