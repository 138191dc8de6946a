using HpcBilling.Admin.Clients;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Tariffs;

/// <summary>A tier's history, and its next version in two steps: enter, then confirm old → new.</summary>
public sealed class TierModel(RatingClient rating, RatingOffice office, SiteClock clock) : PageModel
{
    [BindProperty] public decimal? CpuCoreHour { get; set; }
    [BindProperty] public decimal? GpuHour { get; set; }
    [BindProperty] public decimal? MemoryGibHour { get; set; }
    [BindProperty] public DateOnly? EffectiveFrom { get; set; }

    /// <summary>Version that the confirmation compared with; another one by now means that it has to be read again.</summary>
    [BindProperty] public int? ComparedWith { get; set; }

    public string ZoneId => clock.ZoneId;
    public DateOnly Today => clock.Today;
    public string Currency { get; private set; } = "";
    public TierTariffs? Tier { get; private set; }
    public IAnswer? Failure { get; private set; }
    public bool IsConfirming { get; private set; }
    public bool HasChangedMeanwhile { get; private set; }

    /// <summary>Newest version, in force or not yet; 0 before the first.</summary>
    public int NewestVersion => Tier!.History.Count == 0 ? 0 : Tier.History[0].Version;

    public async Task<IActionResult> OnGetAsync(string tier, CancellationToken ct)
    {
        if (await LoadAsync(tier, ct) is { } elsewhere) return elsewhere;
        (CpuCoreHour, GpuHour, MemoryGibHour) = (Tier?.Current?.CpuCoreHour, Tier?.Current?.GpuHour, Tier?.Current?.MemoryGibHour);
        return Page();
    }

    public async Task<IActionResult> OnPostReviewAsync(string tier, CancellationToken ct)
    {
        if (await LoadAsync(tier, ct) is { } elsewhere) return elsewhere;
        RequireRate(nameof(CpuCoreHour), CpuCoreHour);
        RequireRate(nameof(GpuHour), GpuHour);
        RequireRate(nameof(MemoryGibHour), MemoryGibHour);
        if (EffectiveFrom < clock.Today) ModelState.AddModelError(nameof(EffectiveFrom), Words.NotInThePast);
        if (ModelState.IsValid && Tier is not null) Confirm();
        return Page();
    }

    public async Task<IActionResult> OnPostPublishAsync(string tier, CancellationToken ct)
    {
        if (await LoadAsync(tier, ct) is { } elsewhere) return elsewhere;
        if (!ModelState.IsValid || Tier is null) return Page();
        if (ComparedWith != NewestVersion)
        {
            HasChangedMeanwhile = true;
            Confirm();
            return Page();
        }

        Answer<Formula> answer = await office.PublishAsync(new NewFormula(tier, CpuCoreHour, GpuHour, MemoryGibHour, Start), ct);
        if (answer.ValueOrNull is not null) return Redirect($"/admin/tariffs/{Uri.EscapeDataString(tier)}?published=true");
        if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        return Page();
    }

    // Today means at once: the day's start is past, and what ended since then was priced already.
    private DateTimeOffset? Start => EffectiveFrom is { } day && day > clock.Today ? clock.StartOf(day) : null;

    private void Confirm()
    {
        IsConfirming = true;
        ComparedWith = NewestVersion;
        ModelState.Remove(nameof(ComparedWith));
    }

    private void RequireRate(string field, decimal? rate)
    {
        if (rate is null && ModelState[field] is not { Errors.Count: > 0 }) ModelState.AddModelError(field, Words.NumberNeeded);
        else if (rate < 0) ModelState.AddModelError(field, Words.NotNegative);
    }

    private async Task<IActionResult?> LoadAsync(string tier, CancellationToken ct)
    {
        Answer<TariffList> answer = await rating.TariffsAsync(ct);
        if (answer.ValueOrNull is not { } tariffs)
        {
            Failure = answer;
            return null;
        }

        Currency = tariffs.Currency;
        Tier = tariffs.Tiers.FirstOrDefault(candidate => candidate.Tier == tier);
        return Tier is null ? NotFound() : null;
    }
}
