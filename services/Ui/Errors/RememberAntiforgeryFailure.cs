using Microsoft.AspNetCore.Mvc.Core.Infrastructure;
using Microsoft.AspNetCore.Mvc.Filters;

namespace HpcBilling.Ui.Errors;

/// <summary>Marks the request whose antiforgery check failed, since its 400 alone does not tell the error page why.</summary>
internal sealed class RememberAntiforgeryFailure : IAlwaysRunResultFilter
{
    internal sealed record Failed;

    public void OnResultExecuting(ResultExecutingContext context)
    {
        if (context.Result is IAntiforgeryValidationFailedResult)
            context.HttpContext.Features.Set(new Failed());
    }

    public void OnResultExecuted(ResultExecutedContext context)
    {
        // Only the way in matters.
    }
}
