using System.Text.Json;

namespace HpcBilling.Gateway.Hardening;

/// <summary>What a browser says it did not do; every text bounded and without the query strings that may hold somebody's data.</summary>
/// <param name="Directive">Part of the policy; <c>other</c> for what is none.</param>
/// <param name="Disposition"><c>enforce</c> or <c>report</c>.</param>
/// <param name="Blocked">What was not loaded: an address or a keyword such as <c>inline</c>.</param>
/// <param name="Document">Page on which it happened.</param>
/// <param name="Source">Script or page that tried.</param>
/// <param name="Line">Of the source; 0 when unknown.</param>
internal sealed record ContentSecurityViolation(string Directive, string Disposition, string Blocked, string Document, string Source, int Line)
{
    private const int CharactersMax = 200;

    private static readonly string[] Directives =
    [
        "default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr", "img-src", "font-src", "connect-src",
        "media-src", "object-src", "frame-src", "child-src", "worker-src", "manifest-src", "base-uri", "form-action", "frame-ancestors",
    ];

    /// <summary><c>report-uri</c>: one violation, in an envelope.</summary>
    public static IEnumerable<ContentSecurityViolation> FromPolicyReport(JsonElement root)
    {
        if (!TryObject(root, "csp-report", out JsonElement report)) return [];
        string directive = Text(report, "effective-directive") is { Length: > 0 } effective ? effective : Text(report, "violated-directive");
        return [Of(directive, Text(report, "disposition"), Text(report, "blocked-uri"), Text(report, "document-uri"), Text(report, "source-file"), Number(report, "line-number"))];
    }

    /// <summary><c>report-to</c>: a list of reports of several kinds.</summary>
    public static IEnumerable<ContentSecurityViolation> FromReportingApi(JsonElement root) =>
        from report in root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().AsEnumerable() : [root]
        where report.ValueKind == JsonValueKind.Object && Text(report, "type") == "csp-violation"
        select TryObject(report, "body", out JsonElement body) ? body : default into body
        where body.ValueKind == JsonValueKind.Object
        select Of(
            Text(body, "effectiveDirective"), Text(body, "disposition"), Text(body, "blockedURL"), Text(body, "documentURL"), Text(body, "sourceFile"), Number(body, "lineNumber"));

    private static ContentSecurityViolation Of(string directive, string disposition, string blocked, string document, string source, int line)
    {
        string word = directive.Split(' ', 2)[0];
        return new ContentSecurityViolation(
            Array.Exists(Directives, known => known == word) ? word : "other",
            disposition == "report" ? "report" : "enforce",
            Address(blocked), Address(document), Address(source), line);
    }

    // Without query and fragment, and without what would break a line of the log for whoever reads it raw.
    private static string Address(string text)
    {
        int end = text.AsSpan().IndexOfAny('?', '#');
        ReadOnlySpan<char> kept = end < 0 ? text : text.AsSpan(0, end);
        if (kept.Length > CharactersMax) kept = kept[..CharactersMax];
        return string.Create(kept.Length, kept, static (target, from) =>
        {
            for (int index = 0; index < from.Length; index++) target[index] = char.IsControl(from[index]) || char.IsSurrogate(from[index]) ? ' ' : from[index];
        });
    }

    private static bool TryObject(JsonElement parent, string name, out JsonElement value)
    {
        value = default;
        return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out value) && value.ValueKind == JsonValueKind.Object;
    }

    private static string Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static int Number(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : 0;
}
