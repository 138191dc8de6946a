using Microsoft.AspNetCore.Razor.TagHelpers;

namespace HpcBilling.Ui.TagHelpers;

/// <summary><c>&lt;alert tone="bad" title="…"&gt;…&lt;/alert&gt;</c>; tones: info, ok, warn, bad.</summary>
[HtmlTargetElement("alert")]
public sealed class AlertTagHelper : TagHelper
{
    public string Tone { get; set; } = "info";
    public string? Title { get; set; }

    public override async Task ProcessAsync(TagHelperContext context, TagHelperOutput output)
    {
        TagHelperContent body = await output.GetChildContentAsync();
        output.TagName = "div";
        output.TagMode = TagMode.StartTagAndEndTag;
        output.Attributes.SetAttribute("class", "alert " + Tone);
        output.Attributes.SetAttribute("role", Tone is "bad" ? "alert" : "status");
        output.Attributes.RemoveAll("title");
        if (!string.IsNullOrEmpty(Title)) output.PreContent.AppendHtml("<strong>").Append(Title).AppendHtml("</strong> ");
        output.Content.SetHtmlContent(body);
    }
}
