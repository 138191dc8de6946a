using System.Diagnostics;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.ViewFeatures;
using Microsoft.AspNetCore.Routing;

namespace HpcBilling.Ui.Errors;

/// <summary>Writes a problem as a page when a browser asks, and leads a browser without a session to the sign-in page.</summary>
internal sealed class ProblemPageWriter(IModelMetadataProvider metadata) : IProblemDetailsWriter
{
    private const string View = "/Pages/Shared/Problem.cshtml";

    public bool CanWrite(ProblemDetailsContext context)
    {
        HttpRequest request = context.HttpContext.Request;
        return !request.Path.StartsWithSegments("/api", StringComparison.Ordinal)
            && request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));
    }

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        HttpContext http = context.HttpContext;
        int status = context.ProblemDetails.Status ?? http.Response.StatusCode;
        http.Response.Headers.WWWAuthenticate = default;

        // The gateway sent a good token, but it is not for this service: somebody is signed in who may not be here.
        if (status == StatusCodes.Status401Unauthorized && http.Request.Headers.Authorization.Count > 0) status = StatusCodes.Status403Forbidden;
        if (status == StatusCodes.Status401Unauthorized && HttpMethods.IsGet(http.Request.Method))
        {
            http.Response.StatusCode = StatusCodes.Status303SeeOther;
            http.Response.Headers.Location = SignInPath(http.Request);
            return;
        }

        bool isStale = IsStaleForm(http);
        await RenderAsync(http, new ProblemPage(
            status, DetailFor(context.ProblemDetails, status), TraceId(http), isStale, isStale ? FormPath(http.Request) : null));
    }

    /// <summary>The sign-in page, told where to return to.</summary>
    private static string SignInPath(HttpRequest request) =>
        "/login" + QueryString.Create("returnUrl", request.Path + request.QueryString);

    /// <summary>
    /// The page of ours that sent the form; without word of it the form's own address, for forms are sent to the page that they are on.
    /// An address that a browser would read as another site's is none of ours.
    /// </summary>
    private static string? FormPath(HttpRequest request)
    {
        Uri? page = request.GetTypedHeaders().Referer;
        bool ours = page is { IsAbsoluteUri: true } && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
        string path = ours ? page!.PathAndQuery : request.Path.ToUriComponent();
        return path is "/" or ['/', not ('/' or '\\'), ..] ? path : null;
    }

    private async Task RenderAsync(HttpContext http, ProblemPage page)
    {
        http.Response.StatusCode = page.Status;
        http.Response.Headers.CacheControl = "no-cache, no-store";
        http.Response.Headers.Pragma = "no-cache";
        var result = new ViewResult
        {
            ViewName = View,
            StatusCode = page.Status,
            ViewData = new ViewDataDictionary<ProblemPage>(metadata, new ModelStateDictionary()) { Model = page },
        };
        await result.ExecuteResultAsync(new ActionContext(http, http.GetRouteData() ?? new RouteData(), new ActionDescriptor()));
    }

    // What a broken service says about itself is for its log.
    private static string? DetailFor(ProblemDetails problem, int status) => status < 500 ? problem.Detail : null;

    private static string TraceId(HttpContext http) => Activity.Current?.TraceId.ToHexString() ?? http.TraceIdentifier;

    private static bool IsStaleForm(HttpContext http) =>
        http.Features.Get<RememberAntiforgeryFailure.Failed>() is not null
        || http.Features.Get<IAntiforgeryValidationFeature>() is { IsValid: false };
}
