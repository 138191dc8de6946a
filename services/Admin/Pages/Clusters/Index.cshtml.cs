using System.Globalization;
using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Clusters;

/// <summary>How each cluster is read, how its sources are, what is being read; forms to read a part of the past and to weigh a month.</summary>
public sealed class IndexModel(PolledClusters clusters, Reconciliations reconciliations) : PageModel
{
    private const int ReadsMax = 20;

    [BindProperty] public string? Cluster { get; set; }
    [BindProperty] public DateOnly? From { get; set; }
    [BindProperty] public DateOnly? To { get; set; }
    [BindProperty] public string? Month { get; set; }
    [BindProperty(SupportsGet = true)] public bool Started { get; set; }

    public Answer<CursorPage<PolledCluster>> List { get; private set; } = null!;
    public ILookup<string, ClusterRead> Reads { get; private set; } = null!;
    public IAnswer? Failure { get; private set; }

    public Task OnGetAsync(CancellationToken ct) => LoadAsync(ct);

    public async Task<IActionResult> OnPostAsync(CancellationToken ct)
    {
        if (ModelState.IsValid)
        {
            Answer<ClusterRead> answer = await clusters.BackfillAsync(Cluster ?? "", Day(From), Day(To), ct);
            if (answer.ValueOrNull is not null) return Redirect("/admin/clusters?started=true");
            if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        }

        await LoadAsync(ct);
        return Page();
    }

    public async Task<IActionResult> OnPostReconcileAsync(CancellationToken ct)
    {
        Answer<Job> answer = await reconciliations.StartAsync(Cluster ?? "", Month, ct);
        if (answer.ValueOrNull is { } job) return Redirect($"/admin/jobs/{job.Id}");
        if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        await LoadAsync(ct);
        return Page();
    }

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private async Task LoadAsync(CancellationToken ct)
    {
        List = await clusters.ListAsync(ct);
        IEnumerable<(string Cluster, Guid Id)> unfinished = List.ValueOrNull?.Items.SelectMany(cluster => (cluster.UnfinishedReads ?? []).Select(id => (cluster.Name, id))) ?? [];
        (string Cluster, ClusterRead? Read)[] reads = await Task.WhenAll(unfinished.Take(ReadsMax).Select(async read => (read.Cluster, (await clusters.ReadAsync(read.Id, ct)).ValueOrNull)));
        Reads = reads.Where(read => read.Read is { IsOver: false }).ToLookup(read => read.Cluster, read => read.Read!, StringComparer.Ordinal);
    }
}
