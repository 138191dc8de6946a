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
    public async Task A_month_is_weighed_and_its_balance_shown_with_every_difference()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        const string clusters = "/admin/clusters";
        using HttpResponseMessage made = await PagesSite.SubmitAsync(browser, clusters, clusters + "?handler=reconcile", ("cluster", "hpc"), ("Month", "2026-10"));
        Assert.Equal((HttpStatusCode.Redirect, $"{List}/{StandInBackend.Weighing}"), (made.StatusCode, made.Headers.Location?.OriginalString));
        Assert.Equal("POST /api/v1/clusters/hpc/reconciliations {\"month\":\"2026-10\"}", Assert.Single(site.Backend.Written));
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, clusters, clusters + "?handler=reconcile", ("cluster", "hpc"), ("Month", "2026-13"));
        Assert.Contains("id=\"Month-error\">Must be a month: 2026-10.</p>", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        string page = await browser.GetStringAsync($"{List}/{StandInBackend.Weighing}");
        Assert.Contains("1 differences", page, StringComparison.Ordinal);
        Assert.Contains("1,800", page, StringComparison.Ordinal);
        Assert.Contains("cpus: 1 → 2", WebUtility.HtmlDecode(page), StringComparison.Ordinal);
        Assert.DoesNotContain(StandInBackend.Hostile, page, StringComparison.Ordinal);
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
