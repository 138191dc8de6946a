using System.Globalization;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Razor.TagHelpers;

namespace HpcBilling.Ui.TagHelpers;

/// <summary><c>&lt;money minor="123450" currency="THB" /&gt;</c></summary>
[HtmlTargetElement("money", TagStructure = TagStructure.WithoutEndTag)]
public sealed class MoneyTagHelper : TagHelper
{
    public long? Minor { get; set; }
    public string Currency { get; set; } = "";

    public override void Process(TagHelperContext context, TagHelperOutput output) =>
        output.Figure("data", "money", Minor is { } minor ? Amounts.Money(minor, Currency) : null, value: Minor?.ToString(CultureInfo.InvariantCulture));
}

/// <summary><c>&lt;hours value="11767.9883m" /&gt;</c> shows two decimals and four on hover; <c>full</c> shows four.</summary>
[HtmlTargetElement("hours", TagStructure = TagStructure.WithoutEndTag)]
public sealed class HoursTagHelper : TagHelper
{
    public decimal? Value { get; set; }
    public bool Full { get; set; }

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        string? inFull = Value is { } hours ? Amounts.HoursInFull(hours) : null;
        output.Figure("data", "hours", Full || Value is null ? inFull : Amounts.Hours(Value.Value), value: Value?.ToString(CultureInfo.InvariantCulture));
        if (!Full && inFull is not null) output.Attributes.SetAttribute("title", inFull + " h");
    }
}

/// <summary><c>&lt;count value="4285" /&gt;</c></summary>
[HtmlTargetElement("count", TagStructure = TagStructure.WithoutEndTag)]
public sealed class CountTagHelper : TagHelper
{
    public long? Value { get; set; }

    public override void Process(TagHelperContext context, TagHelperOutput output) =>
        output.Figure("data", "count", Value is { } count ? Amounts.Count(count) : null, value: Value?.ToString(CultureInfo.InvariantCulture));
}

/// <summary><c>&lt;instant value="run.EndedAt" /&gt;</c> in the site's zone, with the zone's label.</summary>
[HtmlTargetElement("instant", TagStructure = TagStructure.WithoutEndTag)]
public sealed class InstantTagHelper(SiteClock clock) : TagHelper
{
    public DateTimeOffset? Value { get; set; }

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        if (Value is not { } instant)
        {
            output.Figure("span", "instant", text: null, value: null);
            return;
        }

        output.Figure("time", "instant", clock.Minute(instant), value: null);
        output.Attributes.SetAttribute("datetime", instant.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
        output.Attributes.SetAttribute("title", $"{clock.Second(instant)} ({clock.ZoneId})");
        output.Content.AppendHtml(" <span class=\"zone\">").Append(clock.Label(instant)).AppendHtml("</span>");
    }
}

internal static class Figures
{
    /// <summary>A figure in its element, or a dash that is also read out as "none".</summary>
    public static void Figure(this TagHelperOutput output, string element, string cssClass, string? text, string? value)
    {
        output.TagMode = TagMode.StartTagAndEndTag;
        output.TagName = text is null ? "span" : element;
        output.Attributes.SetAttribute("class", text is null ? "none" : cssClass);
        if (text is not null && value is not null) output.Attributes.SetAttribute("value", value);
        if (text is null) output.Attributes.SetAttribute("title", Words.None);
        output.Content.SetContent(text ?? "–");
    }
}
