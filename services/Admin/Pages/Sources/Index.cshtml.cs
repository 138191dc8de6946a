using HpcBilling.Admin.Clients;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Sources;

/// <summary>Where the records of each cluster come from, in order of preference; and how each source is, as the polls tell it.</summary>
public sealed class IndexModel(SlurmSources sources, PolledClusters clusters) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Done { get; set; }

    public Answer<SourceList> List { get; private set; } = null!;

    public string? Message => Done switch
    {
        "added" => Words.SourceAdded,
        "changed" => Words.SourceChanged,
        "removed" => Words.SourceRemoved,
        _ => null,
    };

    private IReadOnlyList<PolledCluster> Polled { get; set; } = [];

    public async Task<IActionResult> OnGetAsync(CancellationToken ct)
    {
        Task<Answer<CursorPage<PolledCluster>>> polled = clusters.ListAsync(ct);
        List = await sources.ListAsync(ct);
        Polled = (await polled).ValueOrNull?.Items ?? [];
        return List.ErrorPage() ?? Page();
    }

    /// <summary>How a source is; null while nobody has asked it.</summary>
    public ClusterSource? State(SlurmSource source) =>
        Polled.FirstOrDefault(cluster => cluster.Name == source.Cluster)?.Sources.FirstOrDefault(state => state.Source == source.Name);

    public bool IsInUse(SlurmSource source) => Polled.Any(cluster => cluster.Name == source.Cluster && cluster.ActiveSource == source.Name);
}
