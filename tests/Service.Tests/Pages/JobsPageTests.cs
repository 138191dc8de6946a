using System.Net;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Pages;

[Collection(nameof(Servers))]
public sealed class JobsPageTests : IClassFixture<PagesSite>
{
    private const string List = "/admin/jobs";
    private static readonly string Details = $"{List}/{StandInBackend.Job}";
    private static readonly string Api = $"/api/v1/jobs/{StandInBackend.Job}";
    private readonly PagesSite site;

    public JobsPageTests(PagesSite site)
    {
        this.site = site;
        site.Backend.Forget();
    }

    [Fact]
    public async Task A_job_is_requeued_and_what_cannot_be_cancelled_says_why()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage requeued = await PagesSite.SubmitAsync(browser, List, $"{Details}?handler=requeue");
        Assert.Equal((HttpStatusCode.Redirect, Details), (requeued.StatusCode, requeued.Headers.Location?.OriginalString));
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, List, $"{Details}?handler=cancel");
        Assert.Contains("The job is over: succeeded.", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal([$"POST {Api}/requeue {{}}", $"POST {Api}/cancel {{}}"], site.Backend.Written);
    }

    [Fact]
    public async Task An_export_is_asked_for_in_the_days_of_the_site_and_its_faults_stand_at_their_field()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        string form = $"{List}?handler=export";
        using HttpResponseMessage made = await PagesSite.SubmitAsync(browser, List, form, ("From", "2026-10-01"), ("To", "2026-11-01"), ("Cluster", " hpc "));
        Assert.Equal((HttpStatusCode.Redirect, Details), (made.StatusCode, made.Headers.Location?.OriginalString));
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, List, form, ("From", "2026-10-01"), ("To", "2026-11-01"), ("Cluster", "a b"));
        Assert.Contains("id=\"Cluster-error\">May hold letters only.</p>", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("POST /api/v1/exports {\"from\":\"2026-09-30T17:00:00Z\",\"to\":\"2026-10-31T17:00:00Z\",\"cluster\":\"hpc\"}", site.Backend.Written.First());
    }
}
