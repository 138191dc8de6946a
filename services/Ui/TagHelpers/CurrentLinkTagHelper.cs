using Microsoft.AspNetCore.Razor.TagHelpers;

namespace HpcBilling.Ui.TagHelpers;

/// <summary><c>&lt;a href="…" current-if="…"&gt;</c>: marks the link of the page that is shown.</summary>
[HtmlTargetElement("a", Attributes = "current-if")]
public sealed class CurrentLinkTagHelper : TagHelper
{
    public bool CurrentIf { get; set; }

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        if (CurrentIf) output.Attributes.SetAttribute("aria-current", "page");
    }
}
