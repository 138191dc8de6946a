using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;

namespace HpcBilling.Admin.Pages.Sources;

/// <summary>A new source: its kind is chosen first, since each has settings of its own.</summary>
public sealed class NewModel(SlurmSources sources) : SourceFormModel(sources)
{
    public override string Address => new Query { ["kind"] = Kind }.On(Overview + "/new");

    public override bool IsNew => true;

    public bool HasKind => SourceKinds.All.Contains(Kind, StringComparer.Ordinal);

    public async Task<IActionResult> OnGetAsync(CancellationToken ct)
    {
        if (await LoadAsync(ct) is { } instead) return instead;
        Name = Kind;
        Enabled = true;
        Preference = 1 + (Stored.ValueOrNull?.Items.Where(source => source.Cluster == Cluster).Select(source => source.Preference).DefaultIfEmpty().Max() ?? 0);
        Settings = new SourceSettings { TimeoutSeconds = TimeoutSecondsDefault, AnswerRecordsMax = AnswerRecordsDefault, ReadsSteps = true };
        return Page();
    }

    protected override async Task<IActionResult?> LoadAsync(CancellationToken ct)
    {
        Stored = await Sources.ListAsync(ct);
        return Stored.ErrorPage() ?? (Stored.ValueOrNull is null || !HasKind ? Page() : null);
    }

    protected override async Task<IActionResult?> SaveAsync(CancellationToken ct)
    {
        Answer<SlurmSource> answer = await Sources.AddAsync(Wish, ct);
        if (answer.ValueOrNull is not null) return Redirect(Overview + "?done=added");
        ShowFaults(answer);
        return null;
    }
}
