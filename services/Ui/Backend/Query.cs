using System.Collections;
using System.Globalization;
using Microsoft.AspNetCore.Http.Extensions;

namespace HpcBilling.Ui.Backend;

/// <summary>Query parameters, escaped; those without a value are left out: <c>new Query { ["from"] = from }</c>.</summary>
public sealed class Query : IEnumerable<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> parameters = [];

    public object? this[string name]
    {
        set
        {
            string? text = value is IFormattable figure ? figure.ToString(figure is DateOnly ? "yyyy-MM-dd" : null, CultureInfo.InvariantCulture) : value?.ToString();
            if (!string.IsNullOrEmpty(text)) parameters.Add(new KeyValuePair<string, string>(name, text));
        }
    }

    public string On(string path) => path + new QueryBuilder(parameters).ToQueryString();

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => parameters.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
