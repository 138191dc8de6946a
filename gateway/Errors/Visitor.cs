namespace HpcBilling.Gateway.Errors;

internal static class Visitor
{
    /// <summary>Somebody who wants to read a page, not a program that wants an answer.</summary>
    public static bool IsBrowser(HttpRequest request) =>
        !request.Path.StartsWithSegments("/api", StringComparison.Ordinal)
        && request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));

    /// <summary>Path of our own page from which this request was sent; null when the browser does not say, or it was none of ours.</summary>
    public static string? CameFrom(HttpRequest request)
    {
        Uri? page = request.GetTypedHeaders().Referer;
        bool ours = page is { IsAbsoluteUri: true } && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
        return ours && !page!.PathAndQuery.StartsWith("//", StringComparison.Ordinal) ? page.PathAndQuery : null;
    }
}
