namespace HpcBilling.Gateway.Errors;

internal static class ErrorAnswers
{
    public static WebApplicationBuilder AddErrorAnswers(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<Refusal>();

        // The first writer that can write wins: people get a page, programs get problem details.
        builder.Services.Insert(0, ServiceDescriptor.Singleton<IProblemDetailsWriter, ErrorPageWriter>());
        return builder;
    }

    /// <summary>Gives a body to every status that came without one.</summary>
    public static IApplicationBuilder UseErrorAnswers(this IApplicationBuilder app) => app.UseExceptionHandler().UseStatusCodePages();
}
