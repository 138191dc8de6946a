using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Mvc.Rendering;
using Microsoft.AspNetCore.Mvc.ViewFeatures;
using Microsoft.AspNetCore.Razor.TagHelpers;

namespace HpcBilling.Ui.TagHelpers;

/// <summary><c>&lt;pager next="@cursor" /&gt;</c>: to the first and the next page of a cursor list, the rest of the query kept.</summary>
[HtmlTargetElement("pager", TagStructure = TagStructure.WithoutEndTag)]
public sealed class PagerTagHelper : TagHelper
{
    [ViewContext, HtmlAttributeNotBound] public ViewContext ViewContext { get; set; } = null!;

    /// <summary>Cursor of the next page; null or empty on the last (Razor makes an empty text of a null).</summary>
    public string? Next { get; set; }

    /// <summary>Query parameter that carries the cursor.</summary>
    public string Parameter { get; set; } = "cursor";

    public override void Process(TagHelperContext context, TagHelperOutput output)
    {
        HttpRequest request = ViewContext.HttpContext.Request;
        string? next = string.IsNullOrEmpty(Next) ? null : Next;
        bool isFirst = !request.Query.ContainsKey(Parameter);
        if (isFirst && next is null)
        {
            output.SuppressOutput();
            return;
        }

        output.TagName = "nav";
        output.TagMode = TagMode.StartTagAndEndTag;
        output.Attributes.SetAttribute("class", "pager");
        output.Attributes.SetAttribute("aria-label", Words.Pages);
        if (!isFirst) output.Content.AppendHtml(Link(request, cursor: null, Words.FirstPage, rel: "first"));
        if (next is not null) output.Content.AppendHtml(Link(request, next, Words.NextPage, rel: "next"));
    }

    private TagBuilder Link(HttpRequest request, string? cursor, string text, string rel)
    {
        var query = new QueryBuilder(request.Query.Where(pair => pair.Key != Parameter));
        if (cursor is not null) query.Add(Parameter, cursor);
        var link = new TagBuilder("a");
        link.AddCssClass("button");
        link.Attributes["href"] = request.PathBase + request.Path + query.ToQueryString();
        link.Attributes["rel"] = rel;
        link.InnerHtml.Append(text);
        return link;
    }
}
