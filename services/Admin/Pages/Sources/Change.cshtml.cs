using HpcBilling.Admin.Clients;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;

namespace HpcBilling.Admin.Pages.Sources;

/// <summary>A source that admins set up, found by its names among those of this organisation.</summary>
public sealed class ChangeModel(SlurmSources sources) : SourceFormModel(sources)
{
    /// <summary>Name under which it is stored.</summary>
    [FromQuery] public string? Source { get; set; }

    /// <summary>From which the change was made: another one by then is shown instead of being overwritten.</summary>
    [BindProperty] public long Revision { get; set; }

    public SlurmSource? Current { get; private set; }

    public override string Address => new Query { ["cluster"] = Cluster, ["source"] = Source }.On(Overview + "/change");

    public override bool IsNew => false;

    protected override long? RevisionOrNull => Revision;

    public async Task<IActionResult> OnGetAsync(CancellationToken ct)
    {
        if (await LoadAsync(ct) is { } instead) return instead;
        Show(Current!);
        return Page();
    }

    protected override async Task<IActionResult?> LoadAsync(CancellationToken ct)
    {
        Stored = await Sources.ListAsync(ct);
        if (Stored.ValueOrNull is not { } list) return Stored.ErrorPage() ?? Page();
        Current = list.Find(Request.Query["cluster"], Source) is { IsOwn: true } own ? own : null;
        (Cluster, Kind) = (Current?.Cluster, Current?.Kind); // whatever the form says
        return Current is null ? NotFound() : null;
    }

    protected override async Task<IActionResult?> SaveAsync(CancellationToken ct)
    {
        Answer<SlurmSource> answer = await Sources.ChangeAsync(Current!.Id!.Value, Wish, ct);
        if (answer.ValueOrNull is not null) return Redirect(Overview + "?done=changed");
        if (answer is Answer<SlurmSource>.Missing) return NotFound();
        if (answer is Answer<SlurmSource>.Refused { Reason.Status: StatusCodes.Status409Conflict }) return await ShowConflictAsync(answer, ct);
        ShowFaults(answer);
        return null;
    }

    private async Task<IActionResult?> ShowConflictAsync(IAnswer answer, CancellationToken ct)
    {
        if (await LoadAsync(ct) is { } instead) return instead;
        if (Current!.Revision == Revision)
        {
            Failure = answer; // something else stands against it, a name that is taken for instance
            return null;
        }

        Show(Current);
        Message = Words.SourceChangedMeanwhile.With(Current.ChangedBy);
        return null;
    }

    private void Show(SlurmSource stored)
    {
        ModelState.Clear(); // the form shows what is, not what was sent
        (Name, Preference, Enabled, Revision, Settings) = (stored.Name, stored.Preference, stored.Enabled, stored.Revision, stored.Settings.Of(stored.Kind));
    }
}
