using System.Diagnostics;
using System.Text.Encodings.Web;

namespace HpcBilling.Gateway.Errors;

/// <summary>A plain page for errors that no service could answer; it needs nothing that could be down as well.</summary>
internal sealed class ErrorPageWriter : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => Visitor.IsBrowser(context.HttpContext.Request);

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        HttpResponse response = context.HttpContext.Response;
        (string title, string advice) = Words(response.StatusCode);
        string trace = Activity.Current?.TraceId.ToHexString() ?? context.HttpContext.TraceIdentifier;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        await response.WriteAsync($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <title>{title}</title>
                <link rel="stylesheet" href="/_ui/site.css">
                <link rel="icon" href="/_ui/icon.svg" type="image/svg+xml">
            </head>
            <body>
                <main>
                    <section class="problem">
                        <p class="eyebrow">{response.StatusCode}</p>
                        <h1>{title}</h1>
                        <p>{HtmlEncoder.Default.Encode(context.ProblemDetails.Detail ?? "")}</p>
                        <p>{advice}</p>
                        <p class="actions">{WayBack(context.HttpContext)}<a class="button" href="/">Back to the start</a></p>
                        <p class="fine">Trace: <code>{HtmlEncoder.Default.Encode(trace)}</code></p>
                    </section>
                </main>
            </body>
            </html>
            """, context.HttpContext.RequestAborted);
    }

    private static string WayBack(HttpContext context) =>
        context.Response.StatusCode is StatusCodes.Status400BadRequest or StatusCodes.Status429TooManyRequests && Visitor.CameFrom(context.Request) is { } page
            ? $"""<a class="button primary" href="{HtmlEncoder.Default.Encode(page)}">Back to the page</a> """
            : "";

    private static (string Title, string Advice) Words(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => ("Sign in first", "This part of the site is for people who are signed in."),
        StatusCodes.Status403Forbidden => ("Not for this account", "Ask an administrator if you need it."),
        StatusCodes.Status404NotFound => ("There is no such page", "Check the address, or begin at the start."),
        StatusCodes.Status405MethodNotAllowed => ("That cannot be done here", "Go back and use what the page offers."),
        StatusCodes.Status413PayloadTooLarge => ("That was too large", "Send less at a time; a large accounting log goes in with hpcb import, which sends it in pieces."),
        StatusCodes.Status429TooManyRequests => ("Too many requests", "This one was not carried out."),
        >= 500 => ("Out of order for a moment", "It has been noticed. Nothing that was confirmed is lost; try again in a minute."),
        _ => ("That did not work", "Go back and try again."),
    };
}
