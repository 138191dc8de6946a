using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Portal.Pages.Me;

/// <summary>The visitor's own usage; whose it is comes from the token alone.</summary>
[Authorize(Policies.User)]
public sealed class IndexModel(RatingClient rating, SiteClock clock) : PageModel
{
    public const string Detail = "detail";
    public const string Aggregate = "aggregate";
    public const string Billed = "billed";

    [BindProperty(SupportsGet = true)] public string View { get; set; } = Detail;
    [BindProperty(SupportsGet = true)] public DateOnly? From { get; set; }
    [BindProperty(SupportsGet = true)] public DateOnly? To { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }

    public string ZoneId => clock.ZoneId;
    public Answer<UsageTotals>? Totals { get; private set; }
    public Answer<CursorPage<UsageRun>>? Runs { get; private set; }
    public Answer<CursorPage<UsageGroup>>? Groups { get; private set; }

    public async Task OnGetAsync(CancellationToken ct)
    {
        if (View is not (Aggregate or Billed)) View = Detail;
        if (!ModelState.IsValid) return;

        var filter = new UsageFilter(User.Username(), Day(From), Day(To), Cursor);
        Task<Answer<UsageTotals>> totals = rating.TotalsAsync(filter.User, filter.From, filter.To, ct);
        if (View == Aggregate) Groups = await rating.GroupsAsync(filter, ct);
        else if (View == Billed) Runs = await rating.BilledAsync(filter, ct);
        else Runs = await rating.RunsAsync(filter, ct);
        Totals = await totals;
    }

    /// <summary>This page with another view or file, the period kept.</summary>
    public string Link(string path, string? view) => new Query { ["view"] = view, ["from"] = From, ["to"] = To }.On(path);

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
}
