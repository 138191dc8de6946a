using System.Net;
using System.Text;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Pages;

[Collection(nameof(Servers))]
public sealed class ImportPageTests : IClassFixture<PagesSite>
{
    private const string Page = "/admin/imports";
    private static readonly string JobPage = $"/admin/jobs/{StandInBackend.Job}";
    private static readonly string Content = $"PUT /api/v1/imports/{StandInBackend.Job}/content";
    private readonly PagesSite site;

    public ImportPageTests(PagesSite site)
    {
        this.site = site;
        site.Backend.Forget();
    }

    [Fact]
    [Trait("Control", "USE-03")]
    public async Task A_file_is_imported_byte_for_byte_and_its_job_shown()
    {
        byte[] log = Bytes(1_500_000);
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage done = await SendAsync(browser, log, ("Cluster", " hpc "), ("Fields", "xdmod"));
        Assert.Equal((HttpStatusCode.Redirect, JobPage), (done.StatusCode, done.Headers.Location?.OriginalString));
        Assert.Equal(log, site.Backend.Import.Bytes);
        Assert.Equal(
            ["POST /api/v1/imports {\"fileName\":\"my log.psv\",\"sizeBytes\":1500000,\"fields\":\"xdmod\",\"cluster\":\"hpc\",\"format\":\"sacct\"}", Content + " 0"],
            site.Backend.Written);
        Assert.Contains($"href=\"{Page}\"", await browser.GetStringAsync("/admin/jobs"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "WEB-08")]
    public async Task A_file_goes_through_as_it_comes_and_is_kept_nowhere()
    {
        var log = new WaitingContent(Bytes(1_500_000), () => Wait.UntilAsync("the first part has arrived", () => Task.FromResult(site.Backend.Import.Bytes.Length > 0)));
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage done = await PagesSite.SubmitAsync(browser, Page, Page, token => Form(token, log, Guid.NewGuid()));
        Assert.Equal(HttpStatusCode.Redirect, done.StatusCode);
        Assert.Equal(1_500_000, site.Backend.Import.Bytes.Length);
    }

    [Fact]
    [Trait("Control", "WEB-08")]
    public async Task A_file_beyond_the_limit_is_refused_with_a_page_that_says_so()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        Assert.Contains("At most 2 MiB here.", await browser.GetStringAsync(Page), StringComparison.Ordinal);
        using HttpResponseMessage refused = await SendAsync(browser, Bytes(PagesSite.UploadBytesMax + 1), ("Cluster", "hpc"));
        string page = await refused.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.Contains("id=\"LogFile-error\">The file has 3 MiB, and this page takes 2 at most.", page, StringComparison.Ordinal);
        Assert.Contains("value=\"hpc\"", page, StringComparison.Ordinal);
        Assert.Empty(site.Backend.Written);
        using HttpResponseMessage largest = await SendAsync(browser, Bytes(PagesSite.UploadBytesMax));
        Assert.Equal(HttpStatusCode.Redirect, largest.StatusCode);
    }

    [Fact]
    [Trait("Control", "WEB-09")]
    public async Task What_the_service_objects_to_stands_at_its_field()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        foreach ((byte[] log, string name, string value, string objection) in ((byte[], string, string, string)[])
        [
            ([], "Fields", "", "id=\"LogFile-error\">The file is empty.</p>"),
            (Bytes(100_000), "Fields", "wrong", "id=\"Fields-error\">&#x27;wrong&#x27; is no column of sacct.</p>"),
            (Bytes(100_000), "Cluster", "a b", "id=\"Cluster-error\">May hold letters only.</p>"),
        ])
        {
            using HttpResponseMessage refused = await SendAsync(browser, log, (name, value));
            Assert.Equal(HttpStatusCode.OK, refused.StatusCode);
            Assert.Contains(objection, await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using HttpResponseMessage none = await PagesSite.SubmitAsync(browser, Page, Page, token => new MultipartFormDataContent { { new StringContent(token), "__csrf" } });
        Assert.Contains("id=\"LogFile-error\">Choose a file.</p>", await none.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage plain = await PagesSite.SubmitAsync(browser, Page, Page, ("Cluster", "hpc")); // a form without parts
        Assert.Contains("id=\"LogFile-error\">Choose a file.</p>", await plain.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_that_is_sent_twice_imports_once_and_another_file_needs_another_form()
    {
        byte[] log = Bytes(100_000);
        var key = Guid.NewGuid();
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        for (int time = 0; time < 2; time++)
        {
            using HttpResponseMessage done = await PagesSite.SubmitAsync(browser, Page, Page, token => Form(token, new ByteArrayContent(log), key));
            Assert.Equal(JobPage, done.Headers.Location?.OriginalString);
        }

        Assert.Equal(log, site.Backend.Import.Bytes);
        Assert.Equal(Content + " 0", Assert.Single(site.Backend.Written, act => act.StartsWith("PUT", StringComparison.Ordinal)));

        using HttpResponseMessage other = await PagesSite.SubmitAsync(browser, Page, Page, token => Form(token, new ByteArrayContent(Bytes(5)), key));
        string page = await other.Content.ReadAsStringAsync();
        Assert.Contains("This form had been sent with another file already.", page, StringComparison.Ordinal);
        Assert.DoesNotContain($"value=\"{key}\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_broke_off_goes_on_from_what_had_arrived()
    {
        byte[] log = Bytes(1_500_000);
        var key = Guid.NewGuid();
        site.Backend.Import.BreaksAt = 300_000;
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage broken = await PagesSite.SubmitAsync(browser, Page, Page, token => Form(token, new ByteArrayContent(log), key));
        string page = await broken.Content.ReadAsStringAsync();
        Assert.Contains("The file did not get through.", page, StringComparison.Ordinal);
        Assert.Contains($"value=\"{key}\"", page, StringComparison.Ordinal);
        int arrived = site.Backend.Import.Bytes.Length;
        Assert.InRange(arrived, 300_000, 1_499_999);

        using HttpResponseMessage again = await PagesSite.SubmitAsync(browser, Page, Page, token => Form(token, new ByteArrayContent(log), key));
        Assert.Equal(JobPage, again.Headers.Location?.OriginalString);
        Assert.Equal(log, site.Backend.Import.Bytes);
        Assert.Equal($"{Content} {arrived}", site.Backend.Written.Last());
    }

    [Fact]
    public async Task A_file_that_another_request_is_still_sending_waits_for_its_end()
    {
        byte[] log = Bytes(1_500_000);
        site.Backend.Import.BusyTimes = 2;
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage done = await SendAsync(browser, log);
        Assert.Equal(JobPage, done.Headers.Location?.OriginalString);
        Assert.Equal(log, site.Backend.Import.Bytes); // the refusals cost no bytes
    }

    [Fact]
    public async Task What_stands_behind_the_file_makes_it_another_file_than_announced()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, Page, Page, token =>
        {
            MultipartFormDataContent form = Form(token, new ByteArrayContent(Bytes(100_000)), Guid.NewGuid());
            form.Add(new StringContent("hpc"), "Cluster");
            return form;
        });
        Assert.Contains("nothing of it is imported", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.True(site.Backend.Import.Bytes.Length < site.Backend.Import.SizeBytes);
        Assert.Equal($"POST /api/v1/jobs/{StandInBackend.Job}/cancel {{}}", site.Backend.Written.Last());
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    public async Task A_file_without_the_forms_token_before_it_is_not_taken()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        Func<string, HttpContent>[] forms =
        [
            _ => Form("wrong", new ByteArrayContent(Bytes(100_000)), Guid.NewGuid()),
            token => new MultipartFormDataContent { { new ByteArrayContent(Bytes(100_000)), "LogFile", "a.log" }, { new StringContent(token), "__csrf" } },
            token => new MultipartFormDataContent { { new StringContent("hpc"), "Cluster" }, { new StringContent(token), "__csrf" } },
        ];
        foreach (Func<string, HttpContent> form in forms)
        {
            using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, Page, Page, form);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("This form is no longer valid", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Empty(site.Backend.Written);
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task A_user_imports_nothing()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.User("bob"));
        using HttpResponseMessage refused = await browser.PostAsync(Page, Form("none", new ByteArrayContent(Bytes(10)), Guid.NewGuid()));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Empty(site.Backend.Written);
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient browser, byte[] log, params (string Name, string Value)[] fields) =>
        PagesSite.SubmitAsync(browser, Page, Page, token => Form(token, new ByteArrayContent(log), Guid.NewGuid(), fields));

    // In the order of the page.
    internal static MultipartFormDataContent Form(string token, HttpContent log, Guid key, params (string Name, string Value)[] fields)
    {
        var form = new MultipartFormDataContent { { new StringContent(token), "__csrf" }, { new StringContent($"{key}"), "Key" } };
        foreach ((string name, string value) in fields) form.Add(new StringContent(value), name);
        form.Add(log, "LogFile", "my log.psv");
        return form;
    }

    // Lines that hold what a boundary begins with.
    private static byte[] Bytes(int count)
    {
        byte[] line = Encoding.ASCII.GetBytes("17|alice|2026-10-01T00:00:00\r\n--17|\n");
        byte[] bytes = new byte[count];
        for (int at = 0; at < count; at++) bytes[at] = line[at % line.Length];
        return bytes;
    }

    /// <summary>Sends two thirds, and the rest only once something has happened.</summary>
    private sealed class WaitingContent(byte[] bytes, Func<Task> waited) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            int first = bytes.Length / 3 * 2;
            await stream.WriteAsync(bytes.AsMemory(0, first));
            await stream.FlushAsync();
            await waited();
            await stream.WriteAsync(bytes.AsMemory(first));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
