using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace HpcBilling.Ui.Backend;

public static class ErrorPages
{
    /// <returns>The error page for what is not the visitor's to see; null when there is something to show.</returns>
    public static IActionResult? ErrorPage(this IAnswer answer) => answer switch
    {
        { IsMissing: true } => new NotFoundResult(),
        { Refusal.Status: StatusCodes.Status403Forbidden } => new StatusCodeResult(StatusCodes.Status403Forbidden),
        _ => null,
    };
}
