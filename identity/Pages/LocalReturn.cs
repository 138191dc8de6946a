using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Identity.Pages;

internal static class LocalReturn
{
    /// <summary>To this site and nowhere else: a link to the sign-in must not end on a stranger's page.</summary>
    public static string LocalOrHome(this PageModel page, string? address) => page.Url.IsLocalUrl(address) ? address! : "/";
}
