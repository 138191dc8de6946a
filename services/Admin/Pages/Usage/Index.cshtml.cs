using System.Globalization;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Usage;

/// <summary>Everybody's usage, or one user's.</summary>
public sealed class IndexModel(RatingClient rating, SiteClock clock) : PageModel
{
    private const string Everybody = "*";

    [BindProperty(SupportsGet = true)] public string View { get; set; } = "detail";
    [BindProperty(SupportsGet = true)] public string? Username { get; set; }
    [BindProperty(SupportsGet = true)] public DateOnly? From { get; set; }
    [BindProperty(SupportsGet = true)] public DateOnly? To { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }

    public string ZoneId => clock.ZoneId;
    public Answer<UsageTotals>? Totals { get; private set; }
    public Answer<CursorPage<UsageRun>>? Runs { get; private set; }
    public Answer<CursorPage<UsageGroup>>? Groups { get; private set; }

    public async Task OnGetAsync(CancellationToken ct)
    {
        if (View is not ("aggregate" or "billed")) View = "detail";
        if (!ModelState.IsValid) return;

        string user = string.IsNullOrWhiteSpace(Username) ? Everybody : Username.Trim();
        var filter = new UsageFilter(user, Day(From), Day(To), Cursor);
        Task<Answer<UsageTotals>> totals = rating.TotalsAsync(filter.User, filter.From, filter.To, ct);
        if (View == "aggregate") Groups = await rating.GroupsAsync(filter, ct);
        else if (View == "billed") Runs = await rating.BilledAsync(filter, ct);
        else Runs = await rating.RunsAsync(filter, ct);
        Totals = await totals;
    }

    /// <summary>This page with another view, the rest of the filter kept.</summary>
    public string Link(string? view) =>
        new Query { ["view"] = view, ["username"] = Username, ["from"] = From, ["to"] = To }.On("/admin/usage");

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
