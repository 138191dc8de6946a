using Microsoft.Extensions.Options;

namespace HpcBilling.Ui.Formatting;

/// <summary>The centre that runs this installation.</summary>
public sealed class SiteOptions
{
    public const string Section = "Site";

    /// <summary>Name in the page header.</summary>
    public string Name { get; set; } = "HpcBilling";

    /// <summary>Names of the price tiers, separated by spaces, as rating has them.</summary>
    public string Tiers { get; set; } = "mu gov private";

    public IReadOnlyList<string> TierNames => Tiers.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>IANA id of the zone whose days and months count, e.g. <c>Asia/Bangkok</c>.</summary>
    public string TimeZone { get; set; } = "UTC";
}

internal sealed class SiteOptionsCheck : IValidateOptions<SiteOptions>
{
    public ValidateOptionsResult Validate(string? name, SiteOptions options) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(options.TimeZone, out _)
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"{SiteOptions.Section}:TimeZone is '{options.TimeZone}', which is not an IANA time zone id.");
}
