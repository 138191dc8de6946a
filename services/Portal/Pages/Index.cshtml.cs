using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Options;

namespace HpcBilling.Portal.Pages;

/// <summary>Start page: what computing costs here, and what a planned job would cost. Open to anybody.</summary>
[AllowAnonymous]
public sealed class IndexModel(RatingClient rating, IOptions<SiteOptions> site) : PageModel
{
    private const int JobsMax = 100_000;

    [BindProperty(SupportsGet = true)] public string? Tier { get; set; }
    [BindProperty(SupportsGet = true)] public long? Cores { get; set; }
    [BindProperty(SupportsGet = true)] public long? Gpus { get; set; }
    [BindProperty(SupportsGet = true)] public decimal? MemoryGib { get; set; }
    [BindProperty(SupportsGet = true)] public decimal? Hours { get; set; }
    [BindProperty(SupportsGet = true)] public long? Jobs { get; set; }

    public IReadOnlyList<string> Tiers => site.Value.TierNames;
    public IReadOnlyList<Answer<Formula>> Rates { get; private set; } = [];
    public Answer<Estimate>? Estimate { get; private set; }

    public async Task OnGetAsync(CancellationToken ct)
    {
        bool isAsked = Hours is not null || !ModelState.IsValid;
        SetDefaults();
        Task<Answer<Formula>[]> rates = Task.WhenAll(Tiers.Select(tier => rating.FormulaAsync(tier, ct)));
        if (Jobs is < 1 or > JobsMax) ModelState.AddModelError(nameof(Jobs), Words.MustBeBetween.With(1, Amounts.Count(JobsMax)));
        if (isAsked && ModelState.IsValid) await EstimateAsync(ct);
        Rates = await rates;
    }

    public IEnumerable<EstimateLine> Lines(Estimate estimate) =>
    [
        new(Words.CpuCores, Cores!.Value * Hours!.Value, Words.UnitCoreHours, estimate.Rates.CpuCoreHour, estimate.CpuMinor),
        new(Words.Gpus, Gpus!.Value * Hours.Value, Words.UnitGpuHours, estimate.Rates.GpuHour, estimate.GpuMinor),
        new(Words.Memory, MemoryGib!.Value * Hours.Value, Words.UnitGibHours, estimate.Rates.MemoryGibHour, estimate.MemoryMinor),
    ];

    private async Task EstimateAsync(CancellationToken ct)
    {
        var shape = new Query { ["tier"] = Tier, ["cores"] = Cores, ["gpus"] = Gpus, ["memoryGib"] = MemoryGib, ["hours"] = Hours };
        Estimate = await rating.EstimateAsync(shape, ct);
        if (ModelState.TakeFieldErrors(Estimate)) Estimate = null;
    }

    private void SetDefaults()
    {
        Tier = Tiers.Contains(Tier, StringComparer.Ordinal) ? Tier : Tiers[0];
        Cores ??= 16;
        Gpus ??= 0;
        MemoryGib ??= 64;
        Hours ??= 24;
        Jobs ??= 1;
    }
}

/// <summary>A row of the estimate: <paramref name="Quantity"/> × <paramref name="Rate"/> = <paramref name="AmountMinor"/>.</summary>
/// <param name="Tres">What is charged.</param>
/// <param name="Quantity">Unit-hours of one job.</param>
/// <param name="Unit">Name of the unit-hour.</param>
/// <param name="Rate">Major currency units per unit-hour.</param>
/// <param name="AmountMinor">Rounded once.</param>
public sealed record EstimateLine(string Tres, decimal Quantity, string Unit, decimal Rate, long AmountMinor);
