using Microsoft.AspNetCore.Mvc;

namespace HpcBilling.Identity.Pages;

/// <summary>303: the browser goes on with GET, so that reloading sends no form again.</summary>
internal sealed class LocalSeeOther(string path) : ActionResult
{
    public override void ExecuteResult(ActionContext context)
    {
        context.HttpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.HttpContext.Response.Headers.Location = path;
    }
}
