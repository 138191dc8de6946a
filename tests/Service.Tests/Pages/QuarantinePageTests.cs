using System.Net;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Pages;

[Collection(nameof(Servers))]
public sealed class QuarantinePageTests : IClassFixture<PagesSite>
{
    private const string Quarantine = "/admin/quarantine";
    private const string Clusters = "/admin/clusters";
    private static readonly string Api = $"POST /api/v1/quarantine/{StandInBackend.Quarantined}";
    private readonly PagesSite site;

    public QuarantinePageTests(PagesSite site)
    {
        this.site = site;
        site.Backend.Forget();
    }

    [Fact]
    public async Task What_cannot_be_read_again_can_only_be_dismissed_and_what_is_decided_has_no_button()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        string open = await browser.GetStringAsync(Quarantine);
        string dismissed = await browser.GetStringAsync(Quarantine + "?state=dismissed");
        Assert.Equal((1, 2), (Count(open, "handler=retry&"), Count(open, "handler=dismiss&")));
        Assert.Equal((0, 0), (Count(dismissed, "handler=retry&"), Count(dismissed, "handler=dismiss&")));
        Assert.Contains($"/admin/jobs/{StandInBackend.Job}", open, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_is_read_again_and_its_new_reason_shown()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage shown = await PagesSite.SubmitAsync(browser, Quarantine, Quarantine + "?handler=retry&state=open&cluster=c", ("id", $"{StandInBackend.Quarantined}"));
        string page = await shown.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        Assert.Contains("It still cannot be read: " + WebUtility.HtmlEncode(StandInBackend.Hostile), page, StringComparison.Ordinal);
        Assert.Contains("value=\"c\"", page, StringComparison.Ordinal);
        Assert.Equal(Api + "/retry {}", Assert.Single(site.Backend.Written));
    }

    [Fact]
    public async Task All_that_the_filter_shows_are_read_again_to_the_last_one()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage shown = await PagesSite.SubmitAsync(browser, Quarantine, Quarantine + "?handler=retryAll&state=open&cluster=c&code=bad_field", ("after", ""));
        Assert.Contains("Read again: 1,000 stored, 4 known before, 2 still refused.", await shown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(
            [
                "POST /api/v1/quarantine/retry {\"cluster\":\"c\",\"code\":\"bad_field\",\"importId\":null,\"cursor\":null}",
                "POST /api/v1/quarantine/retry {\"cluster\":\"c\",\"code\":\"bad_field\",\"importId\":null,\"cursor\":\"second\"}",
            ],
            site.Backend.Written);
    }

    [Fact]
    public async Task A_record_is_dismissed_with_a_reason_and_not_without()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        (string, string) id = ("id", $"{StandInBackend.Quarantined}");
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, Quarantine, Quarantine + "?handler=dismiss", id, ("reason", ""));
        using HttpResponseMessage done = await PagesSite.SubmitAsync(browser, Quarantine, Quarantine + "?handler=dismiss", id, ("reason", "a test job"));
        Assert.Contains("reason: must say why", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("has been dismissed", await done.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal([Api + "/dismiss {\"reason\":null}", Api + "/dismiss {\"reason\":\"a test job\"}"], site.Backend.Written);
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    public async Task A_form_without_its_token_decides_nothing()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        foreach (string address in (string[])[Quarantine + "?handler=retryAll", Quarantine + "?handler=dismiss", Clusters])
        {
            using HttpResponseMessage refused = await browser.PostAsync(address, new FormUrlEncodedContent([KeyValuePair.Create("reason", "mine")]));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        Assert.Empty(site.Backend.Written);
    }

    [Fact]
    public async Task A_cluster_shows_its_sources_the_fallback_and_what_is_being_read()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        string page = await browser.GetStringAsync(Clusters);
        Assert.Contains("<span class=\"badge warn\">fallback</span>", page, StringComparison.Ordinal);
        Assert.Contains("<progress max=\"14400\" value=\"3600\"", page, StringComparison.Ordinal);
        Assert.Contains("href=\"/admin/quarantine?cluster=c\"", page, StringComparison.Ordinal);
        Assert.Equal(1, Count(page, "<progress")); // the other one has ended
    }

    [Fact]
    public async Task A_backfill_is_asked_for_by_form_and_an_objection_stands_at_its_field()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, Clusters, Clusters, ("cluster", "c"), ("From", ""), ("To", ""));
        using HttpResponseMessage started = await PagesSite.SubmitAsync(browser, Clusters, Clusters, ("cluster", "c"), ("From", "2024-01-01"), ("To", "2024-02-01"));
        Assert.Contains("id=\"From-error\">Must be a date.</p>", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(Clusters + "?started=true", started.Headers.Location?.OriginalString);
        Assert.Equal("POST /api/v1/clusters/c/backfills {\"from\":\"2024-01-01\",\"to\":\"2024-02-01\"}", site.Backend.Written.Last());
    }

    private static int Count(string html, string part) => WebUtility.HtmlDecode(html).Split(part).Length - 1;
}
