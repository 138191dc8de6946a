using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating;

/// <summary>Section <c>Rating</c>.</summary>
internal sealed class RatingOptions
{
    public const string Section = "Rating";

    /// <summary>ISO 4217 code of every tariff and receipt of this installation.</summary>
    [Required]
    public string Currency { get; set; } = "THB";

    /// <summary>IANA id of the zone whose days and months count, for instance <c>Asia/Bangkok</c>.</summary>
    [Required]
    public string TimeZone { get; set; } = "UTC";

    /// <summary>A run that crosses the end of a month: <c>end</c>, all of it belongs to the month in which it ends; <c>apportion</c>, each month has its part.</summary>
    [EnumDataType(typeof(Domain.RunsAcrossMonths))]
    public Domain.RunsAcrossMonths RunsAcrossMonths { get; set; }

    /// <summary>Names of the price tiers, separated by spaces.</summary>
    [Required, RegularExpression("[a-z][a-z0-9-]{0,31}( [a-z][a-z0-9-]{0,31}){0,15}")]
    public string Tiers { get; set; } = "mu gov private";

    /// <summary>Tier of a user to whom nobody has assigned one.</summary>
    [Required]
    public string DefaultTier { get; set; } = "mu";

    /// <summary>Receipt runs that this process works on at once.</summary>
    [Range(1, 64)]
    public int ReceiptRunWorkers { get; set; } = 2;

    /// <summary>Seconds after which another worker takes over the receipt run of one that fell silent.</summary>
    [Range(2, 600)]
    public int ReceiptRunLeaseSeconds { get; set; } = 15;

    /// <summary>How often an idle worker looks for a receipt run, milliseconds.</summary>
    [Range(50, 60_000)]
    public int ReceiptRunPollMilliseconds { get; set; } = 500;

    public IReadOnlyList<string> TierNames => Tiers.Split(' ');
}

internal sealed class RatingOptionsCheck : IValidateOptions<RatingOptions>
{
    public ValidateOptionsResult Validate(string? name, RatingOptions options)
    {
        if (!Domain.Currency.IsKnown(options.Currency))
            return ValidateOptionsResult.Fail($"Rating:Currency is '{options.Currency}', which is not a currency code of ISO 4217.");
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone, out var zone) || !zone.HasIanaId)
            return ValidateOptionsResult.Fail($"Rating:TimeZone is '{options.TimeZone}', which is not an IANA time zone id.");
        return options.TierNames.Contains(options.DefaultTier, StringComparer.Ordinal)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"Rating:DefaultTier is '{options.DefaultTier}', which is not one of Rating:Tiers ({options.Tiers}).");
    }
}
