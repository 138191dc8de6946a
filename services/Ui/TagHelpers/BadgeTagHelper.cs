using Microsoft.AspNetCore.Razor.TagHelpers;

namespace HpcBilling.Ui.TagHelpers;

/// <summary><c>&lt;badge status="paid" /&gt;</c>: a state in words and, besides, in colour.</summary>
[HtmlTargetElement("badge", TagStructure = TagStructure.WithoutEndTag)]
public sealed class BadgeTagHelper : TagHelper
{
    public string? Status { get; set; }

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        output.TagName = "span";
        output.TagMode = TagMode.StartTagAndEndTag;
        output.Attributes.SetAttribute("class", "badge " + Tone(Status));
        output.Content.SetContent(InWords(Status));
    }

    private static string Tone(string? status) => status?.ToUpperInvariant() switch
    {
        "PAID" or "SETTLED" or "SUCCEEDED" or "COMPLETED" or "BILLED" or "CURRENT" or "ACTIVE" or "ON" or "RETRIED" or "REFUNDED" => "ok",
        "ISSUED" or "OPEN" or "PENDING" or "UNBILLED" or "UNPRICED" or "SCHEDULED" => "warn",
        "RUNNING" or "QUEUED" => "info",
        "FAILED" or "DISABLED" or "DEAD_LETTER" or "TIMEOUT" or "OUT_OF_MEMORY" or "NODE_FAIL" or "BOOT_FAIL" => "bad",
        _ => "quiet",
    };

    // Slurm's own state words stay as they are; ours lose their underscores.
    private static string InWords(string? status) => status?.Replace('_', ' ') ?? "–";
}
