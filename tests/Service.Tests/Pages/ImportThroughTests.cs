using System.Net;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.Service.Tests.Usage;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>The page of imports with the real usage service behind it.</summary>
[Collection(nameof(Servers))]
public sealed class ImportThroughTests(Servers servers)
{
    private const string Page = "/admin/imports";
    private const int Runs = 5000;

    [Fact]
    [Trait("Control", "USE-03")]
    public async Task A_file_from_the_browser_is_imported_by_the_usage_service()
    {
        await using RunningService usage = await UsageClient.StartServiceAsync(servers);
        await using RunningService admin = await PagesSite.StartAdminOfAsync(servers, usage);
        using HttpClient browser = PagesSite.BrowserOf(admin, usage);

        byte[] log = SacctLog.Bytes(SacctLog.Of(SacctLog.Finished(Runs)));
        var key = Guid.NewGuid();
        using HttpResponseMessage sent = await SendAsync(browser, log, key);
        using HttpResponseMessage again = await SendAsync(browser, log, key);
        Assert.Equal(HttpStatusCode.Redirect, sent.StatusCode);
        string job = sent.Headers.Location!.OriginalString;
        Assert.Equal(job, again.Headers.Location?.OriginalString);
        JobAssert.Succeeded(await new UsageClient(usage).EndAsync(Guid.Parse(job.Split('/').Last())), ("stored", Runs), ("quarantined", 0));
        Assert.Contains("my log.psv", await browser.GetStringAsync(job), StringComparison.Ordinal);

        using HttpResponseMessage other = await SendAsync(browser, log[..1000], key);
        Assert.Contains("This form had been sent with another file already.", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage empty = await SendAsync(browser, [], Guid.NewGuid());
        Assert.Contains("id=\"LogFile-error\">The file is empty.</p>", await empty.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage unknown = await SendAsync(browser, log, Guid.NewGuid(), ("Fields", "User,State"));
        Assert.Contains("id=\"Fields-error\">", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient browser, byte[] log, Guid key, params (string Name, string Value)[] fields) =>
        PagesSite.SubmitAsync(browser, Page, Page, token => ImportPageTests.Form(token, new ByteArrayContent(log), key, fields));
}
