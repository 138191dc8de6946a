using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Razor.TagHelpers;

namespace HpcBilling.Ui.TagHelpers;

/// <summary><c>&lt;unanswered answer="Model.Totals" /&gt;</c> stands where a part of the page would be, and says why it is not there.</summary>
[HtmlTargetElement("unanswered", TagStructure = TagStructure.WithoutEndTag)]
public sealed class UnansweredTagHelper : TagHelper
{
    public IAnswer? Answer { get; set; }

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        output.TagName = "div";
        output.TagMode = TagMode.StartTagAndEndTag;
        output.Attributes.SetAttribute("role", "status");
        output.Attributes.SetAttribute("class", Answer?.Refusal is null ? "alert warn" : "alert bad");
        output.Content.SetContent(Answer switch
        {
            { Refusal: { } refusal } => refusal.Detail,
            { IsMissing: true } => Words.PartMissing,
            _ => Words.PartUnavailable,
        });
    }
}
