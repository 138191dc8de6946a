namespace HpcBilling.Gateway.Errors;

/// <summary>The gateway's own answer in place of a service's: a page for people, problem details (RFC 9457) for programs.</summary>
internal sealed class Refusal(IProblemDetailsService problems)
{
    public async Task WriteAsync(HttpContext context, int status, string detail)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = { Status = status, Detail = detail } });
    }
}
