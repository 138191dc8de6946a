using HpcBilling.Ui;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace HpcBilling.Admin.Uploads;

/// <summary>
/// On a page that takes a file: its form is a <see cref="StreamedForm"/>, which the handler finds among the request's features. The form's first part is the antiforgery
/// token; it is shown to the usual check as a header, so that the check reads no body. The gateway bounds the body; here nothing of it is kept.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class StreamedFormAttribute : Attribute, IAsyncAuthorizationFilter, IAsyncResourceFilter, IAsyncAlwaysRunResultFilter, IOrderedFilter
{
    private const int BeforeAntiforgery = 500;
    private const string NoToken = "none";

    public int Order => BeforeAntiforgery;

    public async Task OnAuthorizationAsync(AuthorizationFilterContext context)
    {
        HttpContext http = context.HttpContext;
        if (!HttpMethods.IsPost(http.Request.Method) || StreamedForm.Open(http.Request) is not { } form) return;
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        http.Features.Set(form);
        http.Response.RegisterForDispose(form);
        try
        {
            string? first = await form.ReadTextAsync(http.RequestAborted);
            http.Request.Headers[PagesDefaults.CsrfHeader] = first == PagesDefaults.CsrfField ? form.Text(first) ?? NoToken : NoToken;
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException)
        {
            context.Result = new BadRequestResult();
        }
    }

    public async Task OnResourceExecutionAsync(ResourceExecutingContext context, ResourceExecutionDelegate next)
    {
        if (context.HttpContext.Features.Get<StreamedForm>() is not null)
        {
            // Binding would read the whole form first.
            context.ValueProviderFactories.RemoveType<FormValueProviderFactory>();
            context.ValueProviderFactories.RemoveType<FormFileValueProviderFactory>();
            context.ValueProviderFactories.RemoveType<JQueryFormValueProviderFactory>();
        }

        await next();
    }

    public async Task OnResultExecutionAsync(ResultExecutingContext context, ResultExecutionDelegate next)
    {
        if (context.HttpContext.Features.Get<StreamedForm>() is { } form) await form.DrainAsync(context.HttpContext.RequestAborted);
        await next();
    }
}
