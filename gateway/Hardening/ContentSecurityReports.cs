using System.Text.Json;
using HpcBilling.Gateway.Errors;
using HpcBilling.Gateway.Routes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace HpcBilling.Gateway.Hardening;

/// <summary>Where browsers report what the content security policy forbade. Anybody can send one, so nothing in it is believed: it is bounded, logged and counted.</summary>
internal static class ContentSecurityReports
{
    public const string Path = "/csp-report";

    /// <summary>Name of the path in the Reporting API.</summary>
    public const string Endpoint = "csp";

    private const int BodyBytesMax = 16 * 1024;
    private const int ViolationsMax = 20;

    public static void MapContentSecurityReports(this WebApplication app) => app.MapPost(Path, HandleAsync)
        .RequireRateLimiting(RateLimits.ContentSecurityReport)
        .WithMetadata(new RequestSizeLimitAttribute(BodyBytesMax))
        .DisableAntiforgery();

    private static async Task HandleAsync(HttpContext context, Refusal refusal, GatewayMetrics metrics, ILoggerFactory logs)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out MediaTypeHeaderValue? type) || Reader(type) is not { } read)
        {
            await refusal.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, "Send application/csp-report or application/reports+json.");
            return;
        }

        IReadOnlyList<ContentSecurityViolation> violations;
        try
        {
            using JsonDocument body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            violations = [.. read(body.RootElement).Take(ViolationsMax)];
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException) // the latter: half a surrogate pair
        {
            await refusal.WriteAsync(context, StatusCodes.Status400BadRequest, "The body is not JSON.");
            return;
        }

        ILogger log = logs.CreateLogger(typeof(ContentSecurityReports));
        foreach (ContentSecurityViolation violation in violations)
        {
            metrics.ContentSecurityViolated(violation.Directive);
            log.LogWarning(
                "Content security policy violated: {Directive} {Disposition} blocked {Blocked} on {Document} at {Source}:{Line}",
                violation.Directive, violation.Disposition, violation.Blocked, violation.Document, violation.Source, violation.Line);
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static Func<JsonElement, IEnumerable<ContentSecurityViolation>>? Reader(MediaTypeHeaderValue type) => type.MediaType.Value switch
    {
        "application/csp-report" => root => ContentSecurityViolation.FromPolicyReport(root),
        "application/reports+json" => root => ContentSecurityViolation.FromReportingApi(root),
        _ => null,
    };
}
