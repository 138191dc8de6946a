using System.Net;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Pages;

[Collection(nameof(Servers))]
public sealed partial class PagesTests : IClassFixture<PagesSite>
{
    private static readonly TestCaller Researcher = TestCaller.User(StandInBackend.Hostile);
    private static readonly string OwnReceipt = $"/me/receipts/{StandInBackend.OwnReceipt}";

    private static readonly string CreditNote = $"/me/receipts/{StandInBackend.CreditNote}";

    private static readonly string[] PortalPaths =
        ["/?hours=24", "/privacy", "/me", "/me?view=aggregate", "/me?view=billed", "/me/receipts", OwnReceipt, CreditNote, "/nowhere"];

    private static readonly string[] AdminPaths =
    [
        "/admin", "/admin/usage", "/admin/usage?view=aggregate", "/admin/receipts", $"/admin/receipts/{StandInBackend.OwnReceipt}",
        $"/admin/receipts/{StandInBackend.CreditNote}", "/admin/tariffs",
        "/admin/tariffs/mu", $"/admin/tiers?username={Uri.EscapeDataString(StandInBackend.Hostile)}", "/admin/jobs", $"/admin/jobs/{StandInBackend.Job}",
        "/admin/imports", "/admin/quarantine", "/admin/quarantine?state=dismissed", "/admin/clusters", "/admin/sources", "/admin/sources/new", "/admin/sources/new?kind=slurmrestd&cluster=c",
        OwnSource("change"), OwnSource("remove"), "/admin/audit", "/admin/users", $"/admin/users/{StandInBackend.Account}",
    ];

    private static string OwnSource(string page) => $"/admin/sources/{page}?cluster=c&source={Uri.EscapeDataString(StandInBackend.Hostile)}";

    private readonly PagesSite site;

    public PagesTests(PagesSite site)
    {
        this.site = site;
        site.Backend.Forget();
    }

    [Fact]
    [Trait("Control", "WEB-02")]
    public async Task Hostile_names_are_text_on_every_page()
    {
        int seen = 0;
        foreach ((string path, string html) in await EveryPageAsync())
        {
            Assert.False(html.Contains(StandInBackend.Hostile, StringComparison.OrdinalIgnoreCase), path);
            if (html.Contains(WebUtility.HtmlEncode(StandInBackend.Hostile), StringComparison.Ordinal)) seen++;
        }

        Assert.True(seen >= AdminPaths.Length + 5, $"The hostile name stands on {seen} pages only.");
    }

    [Fact]
    [Trait("Control", "WEB-03")]
    public async Task No_page_holds_a_script_or_a_style_of_its_own()
    {
        foreach ((string path, string html) in await EveryPageAsync()) Assert.False(Inline().IsMatch(html), $"{path}: {Inline().Match(html)}");
        Assert.Matches(Inline(), "<p style=\"color: red\">");
        Assert.Matches(Inline(), "<script>go()</script>");
        Assert.Matches(Inline(), "<a onclick=\"go()\">");
    }

    [Fact]
    [Trait("Control", "WEB-02")]
    public async Task A_file_for_a_spreadsheet_holds_no_formula()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, Researcher);
        foreach (string path in (string[])["/me.csv", OwnReceipt + ".csv", CreditNote + ".csv"])
        {
            string csv = await browser.GetStringAsync(path);
            Assert.Contains(",\"'=HYPERLINK(\"\"http://evil.example\"\")\",", csv, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_holds_every_page_of_the_list()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, Researcher);
        string csv = await browser.GetStringAsync("/me.csv");
        Assert.Equal(3, csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length); // header, and a run of each of the two pages
    }

    [Fact]
    public async Task A_run_says_how_much_of_what_it_held_it_used_in_words_and_where_that_is_little()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, Researcher);
        string html = WebUtility.HtmlDecode(await browser.GetStringAsync("/me"));
        Assert.Matches("<th scope=\"col\" aria-describedby=\"used-note\">Used of it</th>", html);
        Assert.Matches("CPU 12 %</span>\\s*<span class=\"badge warn\">low</span>\\s*<small>memory 85 %</small>\\s*</span>", html);
        Assert.Contains("less than 25 % in runs of 5 minutes or more", html, StringComparison.Ordinal);
        using HttpClient admin = PagesSite.Browser(site.Admin, TestCaller.Admin());
        Assert.Contains("CPU 12 %", await admin.GetStringAsync("/admin/usage"), StringComparison.Ordinal);

        string[] csv = (await browser.GetStringAsync("/me.csv")).Split("\r\n");
        Assert.EndsWith(",receipt_number,cpu_efficiency,memory_efficiency", csv[0], StringComparison.Ordinal);
        Assert.EndsWith(",0.1240,0.8512", csv[1], StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    public async Task A_form_without_its_token_changes_nothing_and_says_why()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, Researcher);
        using HttpResponseMessage refused = await browser.PostAsync("/me/receipts", new FormUrlEncodedContent([]));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("This form is no longer valid", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(site.Backend.Written);

        using HttpResponseMessage issued = await PagesSite.SubmitAsync(browser, "/me/receipts", "/me/receipts", ("until", "2017-01-03"));
        Assert.Equal(OwnReceipt + "?created=true", issued.Headers.Location?.OriginalString);
        Assert.Equal("POST /api/v1/receipts {\"until\":\"2017-01-03\"}", Assert.Single(site.Backend.Written));
    }

    [Fact]
    public async Task A_credit_note_says_what_it_corrects_and_cannot_be_paid()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, Researcher);
        string html = WebUtility.HtmlDecode(await browser.GetStringAsync(CreditNote));
        Assert.Contains("Credit note C-2017-000001", html, StringComparison.Ordinal);
        Assert.Contains("1,234.50 THB are to be paid back to you", html, StringComparison.Ordinal);
        Assert.Contains($"<a href=\"{StandInBackend.OwnReceipt}\">R-2017-000001</a>", html, StringComparison.Ordinal);
        Assert.Contains("time 01:00:00 → 00:00:00, CPU 1 → 2, start", html, StringComparison.Ordinal);
        Assert.Contains("never started", html, StringComparison.Ordinal);
        Assert.Contains("-1,234.50 THB", html, StringComparison.Ordinal);
        Assert.DoesNotContain("/payments/receipt/", html, StringComparison.Ordinal);
        Assert.Contains("Credit note", await browser.GetStringAsync("/me/receipts"), StringComparison.Ordinal);

        string[] csv = (await browser.GetStringAsync(CreditNote + ".csv")).Split("\r\n");
        Assert.EndsWith(",kind,corrects_receipt,changed", csv[0], StringComparison.Ordinal);
        Assert.Contains(",-1234.50,0.00,0.00,-1234.50,THB,adjustment,R-2017-000001,charged_seconds cpus started_at", csv[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_admin_records_that_a_credit_note_was_paid_back()
    {
        string path = $"/admin/receipts/{StandInBackend.CreditNote}";
        using HttpClient admin = PagesSite.Browser(site.Admin, TestCaller.Admin());
        Assert.DoesNotContain("Mark 1,234.50", await admin.GetStringAsync(path), StringComparison.Ordinal);
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(admin, path, path + "?handler=refund", ("Note", ""));
        Assert.Contains("Must say how.", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        site.Backend.Forget();
        using HttpResponseMessage refunded = await PagesSite.SubmitAsync(admin, path, path + "?handler=refund", ("Note", " bank 17 "));
        Assert.Equal(path, refunded.Headers.Location?.OriginalString);
        Assert.Equal($"POST /api/v1/receipts/{StandInBackend.CreditNote}/refund {{\"note\":\"bank 17\"}}", Assert.Single(site.Backend.Written));
    }

    [Fact]
    public async Task A_visitor_without_a_session_is_led_to_the_sign_in_page_and_back()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, caller: null);
        using HttpResponseMessage response = await browser.GetAsync("/me?view=billed");
        Assert.Equal(HttpStatusCode.SeeOther, response.StatusCode);
        Assert.Equal("/login?returnUrl=%2Fme%3Fview%3Dbilled", response.Headers.Location?.OriginalString);
    }

    [Fact]
    [Trait("Control", "AUTHZ-03")]
    public async Task Anothers_receipt_is_not_found_among_ones_own_even_by_an_admin()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, TestCaller.Admin());
        foreach (string suffix in (string[])["", ".csv"])
        {
            using HttpResponseMessage response = await browser.GetAsync($"/me/receipts/{StandInBackend.ForeignReceipt}{suffix}");
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task A_user_reaches_no_admin_page()
    {
        using HttpClient user = PagesSite.Browser(site.Admin, Researcher);
        using HttpClient admin = PagesSite.Browser(site.Admin, TestCaller.Admin());
        foreach (string path in AdminPaths)
        {
            using HttpResponseMessage refused = await user.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            using HttpResponseMessage shown = await admin.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
        }
    }

    [Fact]
    public async Task A_page_stands_and_says_so_when_the_service_behind_it_is_away()
    {
        await using RunningService portal = await site.StartAsync("Portal", $"http://127.0.0.1:{Servers.FreePort()}");
        using HttpClient browser = PagesSite.Browser(portal, Researcher);
        using HttpResponseMessage response = await browser.GetAsync("/me");
        string html = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("does not answer", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_rating_objects_to_stands_at_its_field()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, caller: null);
        string html = await browser.GetStringAsync("/?tier=mu&cores=1&gpus=0&memoryGib=1&hours=9000&jobs=1");
        Assert.Contains("id=\"Hours-error\">Must be between 0 and 8784.</p>", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_jobs_cost_their_number_times_one_job()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, caller: null);
        string html = await browser.GetStringAsync("/?tier=mu&cores=1&gpus=0&memoryGib=1&hours=1&jobs=1000");
        Assert.Contains(">1,230.00 THB</data>", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rates_are_published_only_after_old_and_new_were_shown_side_by_side()
    {
        (string, string)[] rates = [("CpuCoreHour", "0.3"), ("GpuHour", "13"), ("MemoryGibHour", "0.02")];
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage review = await PagesSite.SubmitAsync(browser, "/admin/tariffs/mu", "/admin/tariffs/mu?handler=review", rates);
        string html = await review.Content.ReadAsStringAsync();
        Assert.Matches("0.25</td><td class=\"n\">→ <strong>0.30</strong>", WebUtility.HtmlDecode(html));

        // The version that was compared with is not the newest any more: it is shown again instead.
        using HttpResponseMessage stale = await PagesSite.SubmitAsync(
            browser, "/admin/tariffs/mu", "/admin/tariffs/mu?handler=publish", [.. rates, ("ComparedWith", "2")]);
        Assert.Contains("Somebody published another version", await stale.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(site.Backend.Written);

        using HttpResponseMessage published = await PagesSite.SubmitAsync(
            browser, "/admin/tariffs/mu", "/admin/tariffs/mu?handler=publish", [.. rates, ("ComparedWith", "3")]);
        Assert.Equal("/admin/tariffs/mu?published=true", published.Headers.Location?.OriginalString);
        Assert.StartsWith("POST /formula {\"type\":\"mu\",\"cpuCoreHour\":0.3,", Assert.Single(site.Backend.Written), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_styles_and_scripts_are_served_to_anybody()
    {
        using HttpClient browser = PagesSite.Browser(site.Portal, caller: null);
        foreach (string file in (string[])["site.css", "site.js", "icon.svg"])
        {
            using HttpResponseMessage response = await browser.GetAsync("/_ui/" + file);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    private async Task<List<(string Path, string Html)>> EveryPageAsync()
    {
        using HttpClient portal = PagesSite.Browser(site.Portal, Researcher);
        using HttpClient admin = PagesSite.Browser(site.Admin, TestCaller.Admin());
        List<(string, string)> pages = [];
        foreach (string path in PortalPaths) pages.Add((path, await ReadAsync(portal, path)));
        foreach (string path in AdminPaths) pages.Add((path, await ReadAsync(admin, path)));
        return pages;
    }

    private static async Task<string> ReadAsync(HttpClient browser, string path)
    {
        using HttpResponseMessage response = await browser.GetAsync(path);
        Assert.Equal(path == "/nowhere" ? HttpStatusCode.NotFound : HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    [GeneratedRegex("<style|\\sstyle=|<script(?![^>]*\\ssrc=\"/_ui/)|<[a-z][^>]*\\son[a-z]+=|javascript:", RegexOptions.IgnoreCase)]
    private static partial Regex Inline();
}
