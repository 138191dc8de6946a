using HpcBilling.Ui.Errors;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Options;

namespace HpcBilling.Ui;

/// <summary>What every service with pages does the same way: Razor Pages, antiforgery, static files, error pages, language.</summary>
public static class PagesDefaults
{
    public const string CsrfCookie = "__Host-csrf";
    public const string CsrfField = "__csrf";
    public const string CsrfHeader = "X-CSRF-Token";

    private static readonly string[] Languages = ["en"];

    /// <summary>Call after <c>AddServiceDefaults</c>; the host also shares the data protection keys, so that a form of one service posts to another.</summary>
    public static WebApplicationBuilder AddPages(this WebApplicationBuilder builder)
    {
        builder.AddStaticFilesOfThisBuild();
        builder.Services.AddOptions<SiteOptions>().BindConfiguration(SiteOptions.Section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<SiteOptions>, SiteOptionsCheck>();
        builder.Services.AddSingleton<SiteClock>();

        builder.Services.AddRazorPages(pages => pages.Conventions.ConfigureFilter(new RememberAntiforgeryFailure()))
            .AddMvcOptions(ConfigureBinding)
            .AddViewOptions(views => views.HtmlHelperOptions.ClientValidationEnabled = false); // no script here reads its attributes
        builder.Services.Configure<AntiforgeryOptions>(ConfigureAntiforgery);

        // A page that names no policy is refused, also in a host that forgot to say so.
        builder.Services.PostConfigure<AuthorizationOptions>(options =>
            options.FallbackPolicy ??= new AuthorizationPolicyBuilder().RequireAssertion(_ => false).Build());

        // The first writer that can write wins: people get a page, programs get problem details.
        builder.Services.Insert(0, ServiceDescriptor.Singleton<IProblemDetailsWriter, ProblemPageWriter>());
        builder.Services.Configure<RequestLocalizationOptions>(options => options
            .SetDefaultCulture(Languages[0]).AddSupportedCultures(Languages).AddSupportedUICultures(Languages));
        return builder;
    }

    /// <summary>Call after <c>UseServiceDefaults</c>.</summary>
    public static WebApplication UsePages(this WebApplication app)
    {
        app.UseRequestLocalization();
        app.UseAntiforgery();
        app.MapStaticAssets().AllowAnonymous();
        app.MapRazorPages();

        // Without this an address that leads nowhere is refused like a page without a policy, and people are told to sign in for nothing.
        app.MapFallback(() => TypedResults.Problem(statusCode: StatusCodes.Status404NotFound)).AllowAnonymous();
        return app;
    }

    private static void ConfigureBinding(MvcOptions options)
    {
        // A filter that is left out keeps its default; what a form must have, the page or the service behind it says itself.
        options.SuppressImplicitRequiredAttributeForNonNullableReferenceTypes = true;
        options.ModelBindingMessageProvider.SetAttemptedValueIsInvalidAccessor((value, _) => Words.ValueInvalid.With(value));
        options.ModelBindingMessageProvider.SetNonPropertyAttemptedValueIsInvalidAccessor(value => Words.ValueInvalid.With(value));
        options.ModelBindingMessageProvider.SetValueMustBeANumberAccessor(_ => Words.NumberNeeded);
    }

    private static void ConfigureAntiforgery(AntiforgeryOptions options)
    {
        options.Cookie.Name = CsrfCookie;
        options.Cookie.Path = "/";
        options.Cookie.HttpOnly = true;
        options.Cookie.SecurePolicy = CookieSecurePolicy.Always;
        options.Cookie.SameSite = SameSiteMode.Strict;
        options.FormFieldName = CsrfField;
        options.HeaderName = CsrfHeader;
        options.SuppressXFrameOptionsHeader = true; // the gateway's DENY holds for every response
    }

    private static void AddStaticFilesOfThisBuild(this WebApplicationBuilder builder)
    {
        // Published files lie beside the assembly, wherever the process was started; a build lists its files in a manifest,
        // which the framework reads by itself in Development only.
        string published = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (Directory.Exists(published))
        {
            builder.Environment.WebRootPath = published;
            builder.Environment.WebRootFileProvider = new PhysicalFileProvider(published);
        }
        else
        {
            builder.WebHost.UseStaticWebAssets();
        }
    }
}
