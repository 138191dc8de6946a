using System.Net;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.Service.Tests.Usage;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>The pages of sources with the real usage service behind them.</summary>
[Collection(nameof(Servers))]
public sealed class SourcesThroughTests(Servers servers)
{
    private const string List = "/admin/sources";
    private const string New = List + "/new?kind=directory";
    private const string Change = List + "/change?cluster=hpc&source=files";
    private const string Remove = List + "/remove?cluster=hpc&source=files";

    [Fact]
    public async Task A_folder_is_tried_added_changed_and_removed()
    {
        string folder = Directory.CreateTempSubdirectory("hpcb-incoming-").FullName;
        await using RunningService usage = await UsageClient.StartServiceAsync(servers, ("Usage__Reach__0__Folders__0", folder));
        await using RunningService admin = await PagesSite.StartAdminOfAsync(servers, usage);
        using HttpClient browser = PagesSite.BrowserOf(admin, usage);

        Assert.Contains("Records or files found: 0", await PageAsync(browser, New, New + "&handler=check", Form(folder)), StringComparison.Ordinal);
        Assert.Contains("id=\"Settings_Path-error\">Is not in a folder that the operator allows.</p>", await PageAsync(browser, New, New, Form("/etc")), StringComparison.Ordinal);
        Assert.Equal(List + "?done=added", await LeadsToAsync(browser, New, New, Form(folder)));
        Assert.Contains("has a source of the name files", await PageAsync(browser, New, New, Form(folder)), StringComparison.Ordinal);

        Assert.Equal(List + "?done=changed", await LeadsToAsync(browser, Change, Change, [.. Form(folder), ("Preference", "7"), ("Revision", "1")]));
        string stale = await PageAsync(browser, Change, Change, [.. Form(folder), ("Preference", "8"), ("Revision", "1")]);
        Assert.Contains("changed this source while you were looking", stale, StringComparison.Ordinal);
        Assert.Contains("value=\"7\"", stale, StringComparison.Ordinal);
        Assert.Contains("7. files", await browser.GetStringAsync(List), StringComparison.Ordinal);

        Assert.Equal(List + "?done=removed", await LeadsToAsync(browser, Remove, Remove));
        Assert.Contains("There is no source yet.", await browser.GetStringAsync(List), StringComparison.Ordinal);
    }

    private static (string, string)[] Form(string folder) => [("Cluster", "hpc"), ("Name", "files"), ("Enabled", "true"), ("Settings.Path", folder), ("Settings.Fields", "")];

    private static async Task<string> PageAsync(HttpClient browser, string page, string action, params (string Name, string Value)[] fields)
    {
        using HttpResponseMessage shown = await PagesSite.SubmitAsync(browser, page, action, WithPreference(fields));
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        return await shown.Content.ReadAsStringAsync();
    }

    private static async Task<string?> LeadsToAsync(HttpClient browser, string page, string action, params (string Name, string Value)[] fields)
    {
        using HttpResponseMessage led = await PagesSite.SubmitAsync(browser, page, action, WithPreference(fields));
        return led.Headers.Location?.OriginalString;
    }

    private static (string Name, string Value)[] WithPreference((string Name, string Value)[] fields) =>
        fields.Any(field => field.Name == "Preference") ? fields : [.. fields, ("Preference", "1")];
}
