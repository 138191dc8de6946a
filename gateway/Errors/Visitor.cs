namespace HpcBilling.Gateway.Errors;

internal static class Visitor
{
    /// <summary>Somebody who wants to read a page, not a program that wants an answer.</summary>
    public static bool IsBrowser(HttpRequest request) =>
        !request.Path.StartsWithSegments("/api", StringComparison.Ordinal)
        && request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));
}
