using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.Rendering;
using Microsoft.AspNetCore.Mvc.ViewFeatures;
using Microsoft.AspNetCore.Razor.TagHelpers;

namespace HpcBilling.Ui.TagHelpers;

/// <summary>
/// <c>&lt;field for="Until" label="…" type="date" hint="…" /&gt;</c>: label, input, hint and error, tied together for screen readers.
/// Other attributes (<c>min</c>, <c>step</c>, <c>autocomplete</c> …) go to the input; <c>options</c> makes it a choice, child content replaces it.
/// </summary>
[HtmlTargetElement("field", Attributes = "for,label")]
public sealed class FieldTagHelper : TagHelper
{
    [ViewContext, HtmlAttributeNotBound] public ViewContext ViewContext { get; set; } = null!;
    public ModelExpression For { get; set; } = null!;
    public string Label { get; set; } = "";
    public string Type { get; set; } = "text";
    public string? Hint { get; set; }

    /// <summary>What can be chosen, in place of an input. A value that is not among it stays chosen, and is marked.</summary>
    public IReadOnlyList<string>? Options { get; set; }

    /// <summary>Text of the choice of none; without it one of the options is chosen.</summary>
    public string? Nothing { get; set; }

    public override async Task ProcessAsync(TagHelperContext context, TagHelperOutput output)
    {
        string name = ViewContext.ViewData.TemplateInfo.GetFullHtmlFieldName(For.Name);
        string id = TagBuilder.CreateSanitizedId(name, "_");
        ViewContext.ModelState.TryGetValue(name, out ModelStateEntry? entry);
        string? error = entry?.Errors.FirstOrDefault()?.ErrorMessage;
        var field = new Field(name, id, entry?.AttemptedValue ?? Value(), string.IsNullOrEmpty(Hint) ? null : Hint, error);

        TagHelperContent child = await output.GetChildContentAsync();
        var label = new TagBuilder("label");
        label.Attributes["for"] = id;
        label.InnerHtml.Append(Label);

        output.Content.AppendHtml(label);
        if (Options is not null) output.Content.AppendHtml(Select(Options, field, output));
        else if (child.IsEmptyOrWhiteSpace) output.Content.AppendHtml(Input(field, output));
        else output.Content.AppendHtml(child);
        if (field.Hint is not null) output.Content.AppendHtml(Note(field.HintId, "hint", field.Hint));
        if (error is not null) output.Content.AppendHtml(Note(field.ErrorId, "field-error", error));

        output.TagName = "div";
        output.TagMode = TagMode.StartTagAndEndTag;
        output.Attributes.Clear();
        output.Attributes.SetAttribute("class", error is null ? "field" : "field invalid");
    }

    private TagBuilder Input(Field field, TagHelperOutput output)
    {
        TagBuilder input = Control("input", field, output);
        input.TagRenderMode = TagRenderMode.SelfClosing;
        input.Attributes["type"] = Type;
        // A password never travels back to the browser, and a file cannot.
        if (Type is not ("password" or "file") && field.Value is not null) input.Attributes["value"] = field.Value;
        return input;
    }

    private TagBuilder Select(IReadOnlyList<string> options, Field field, TagHelperOutput output)
    {
        TagBuilder select = Control("select", field, output);
        string chosen = field.Value ?? "";
        if (Nothing is not null) select.InnerHtml.AppendHtml(Option("", Nothing, chosen));
        foreach (string option in options) select.InnerHtml.AppendHtml(Option(option, option, chosen));
        if (chosen.Length > 0 && !options.Contains(chosen, StringComparer.Ordinal)) select.InnerHtml.AppendHtml(Option(chosen, Words.NotOffered.With(chosen), chosen));
        return select;
    }

    private static TagBuilder Option(string value, string text, string chosen)
    {
        var option = new TagBuilder("option");
        option.Attributes["value"] = value;
        if (value == chosen) option.Attributes["selected"] = "selected";
        option.InnerHtml.Append(text);
        return option;
    }

    private static TagBuilder Control(string element, Field field, TagHelperOutput output)
    {
        var control = new TagBuilder(element);
        foreach (TagHelperAttribute attribute in output.Attributes)
            control.Attributes[attribute.Name] = attribute.ValueStyle == HtmlAttributeValueStyle.Minimized ? attribute.Name : attribute.Value?.ToString();
        control.Attributes["id"] = field.Id;
        control.Attributes["name"] = field.Name;
        if (field.DescribedBy is { } describedBy) control.Attributes["aria-describedby"] = describedBy;
        if (field.Error is not null) control.Attributes["aria-invalid"] = "true";
        return control;
    }

    private string? Value() => For.Model switch
    {
        DateOnly day => day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
        IFormattable figure => figure.ToString(format: null, System.Globalization.CultureInfo.InvariantCulture),
        var other => other?.ToString(),
    };

    private static TagBuilder Note(string id, string cssClass, string text)
    {
        var note = new TagBuilder("p");
        note.AddCssClass(cssClass);
        note.Attributes["id"] = id;
        note.InnerHtml.Append(text);
        return note;
    }

    private sealed record Field(string Name, string Id, string? Value, string? Hint, string? Error)
    {
        public string HintId => Id + "-hint";
        public string ErrorId => Id + "-error";

        public string? DescribedBy => (Hint, Error) switch
        {
            (null, null) => null,
            (_, null) => HintId,
            (null, _) => ErrorId,
            _ => ErrorId + " " + HintId,
        };
    }
}
