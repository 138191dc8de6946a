using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Sources;

/// <summary>The form of a source, new or to be changed: saved, or tried out without being saved.</summary>
public abstract class SourceFormModel(SlurmSources sources) : PageModel
{
    public const string Overview = "/admin/sources";
    public const int TimeoutSecondsDefault = 120;
    public const int AnswerRecordsDefault = 200_000;

    [BindProperty(SupportsGet = true)] public string? Cluster { get; set; }
    [BindProperty(SupportsGet = true)] public string? Kind { get; set; }
    [BindProperty] public string? Name { get; set; }
    [BindProperty] public int? Preference { get; set; }
    [BindProperty] public bool Enabled { get; set; }
    [BindProperty] public SourceSettings Settings { get; set; } = new();

    public Answer<SourceList> Stored { get; protected set; } = null!;
    public IAnswer? Failure { get; protected set; }
    public string? Message { get; protected set; }
    public Answer<SourceCheck>? Checked { get; private set; }

    public SourceReach Reach => Stored.ValueOrNull!.Reach;

    /// <summary>Address of the form.</summary>
    public abstract string Address { get; }

    /// <summary>The cluster of a stored source stays.</summary>
    public abstract bool IsNew { get; }

    public string CheckAddress => Address + (Address.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "handler=check";

    /// <summary>Reads what is stored and allowed.</summary>
    /// <returns>What to answer in place of the form; null when it can be shown.</returns>
    protected abstract Task<IActionResult?> LoadAsync(CancellationToken ct);

    /// <summary>Saves the form.</summary>
    /// <returns>What to answer when it is saved; null when there is something to object to.</returns>
    protected abstract Task<IActionResult?> SaveAsync(CancellationToken ct);

    protected virtual long? RevisionOrNull => null;

    protected SlurmSources Sources => sources;

    protected SourceWish Wish =>
        new(Cluster?.Trim() ?? "", Name?.Trim() ?? "", Kind ?? "", Preference, Enabled, Settings.Of(Kind), RevisionOrNull);

    public async Task<IActionResult> OnPostAsync(CancellationToken ct) =>
        await LoadAsync(ct) ?? (ModelState.IsValid ? await SaveAsync(ct) : null) ?? Page();

    public async Task<IActionResult> OnPostCheckAsync(CancellationToken ct)
    {
        if (await LoadAsync(ct) is { } instead) return instead;
        if (ModelState.IsValid)
        {
            Answer<SourceCheck> answer = await sources.CheckAsync(Wish, ct);
            if (answer.ValueOrNull is not null) Checked = answer;
            else ShowFaults(answer);
        }

        return Page();
    }

    /// <summary>At their fields as far as these are on the page, else above the form.</summary>
    protected void ShowFaults(IAnswer answer)
    {
        if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
    }
}
