using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Gateway;

[Collection(nameof(Servers))]
public sealed class LimitTests(Servers servers, Site site) : IClassFixture<Site>
{
    private const int MiB = 1024 * 1024;

    [Fact]
    [Trait("Control", "WEB-08")]
    public async Task An_upload_may_be_large_and_nothing_else()
    {
        using HttpClient program = site.Program(Site.DemoToken);
        using HttpResponseMessage upload = await program.PutAsync("/api/v1/imports/1/content", Bytes(40 * MiB));
        Assert.Equal(40L * MiB, (await upload.Content.ReadFromJsonAsync<Heard>())!.BodyBytes);

        // Announced and never sent, or one byte too long and no longer: nobody can be cut off while sending.
        string head = $"HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Site.DemoToken}\r\n";
        string declared = await RawClient.AskAsync(site.Gateway.SecureAddress!.Port, $"POST /api/v1/imports {head}Content-Length: {2 * MiB}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", declared, StringComparison.Ordinal);
        string undeclared = await RawClient.AskAsync(
            site.Gateway.SecureAddress!.Port, $"POST /api/v1/receipts {head}Transfer-Encoding: chunked\r\n\r\n{MiB + 1:x}\r\n{new string('x', MiB + 1)}");
        Assert.StartsWith("HTTP/1.1 413 ", undeclared, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "WEB-08")]
    public async Task The_page_that_takes_a_file_takes_a_larger_form_and_no_other_page_does()
    {
        using HttpClient program = site.Program(Site.DemoToken);
        using HttpResponseMessage form = await program.PostAsync("/admin/imports", Bytes(40 * MiB));
        Heard heard = (await form.Content.ReadFromJsonAsync<Heard>())!;
        Assert.Equal((40L * MiB, $"{40L * MiB}"), (heard.BodyBytes, heard["Content-Length"])); // the page knows the file's size by it
        foreach ((string path, int declared) in ((string, int)[])[("/admin/imports", 300), ("/admin/imports/x", 2), ("/admin/jobs", 2), ("/admin/sources/new", 2)])
        {
            // The body is announced and never sent, so that nobody can be cut off while sending it.
            string head = $"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {Site.DemoToken}\r\nAccept: text/html\r\nContent-Length: {(long)declared * MiB}\r\n\r\n";
            string refused = await RawClient.AskAsync(site.Gateway.SecureAddress!.Port, head);
            Assert.StartsWith("HTTP/1.1 413 ", refused, StringComparison.Ordinal);
            Assert.Contains("goes in with hpcb import", refused, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_service_that_is_down_is_a_502_with_a_page_or_a_problem()
    {
        await using Site broken = await Site.StartAsync(servers, new Dictionary<string, string> { ["services__rating__http__0"] = "http://127.0.0.1:1" });
        using Browser browser = broken.Browser();
        using HttpResponseMessage page = await browser.GetAsync("/formula");
        Assert.Equal((HttpStatusCode.BadGateway, "text/html"), (page.StatusCode, page.Content.Headers.ContentType!.MediaType));
        using HttpClient program = broken.Program();
        using HttpResponseMessage problem = await program.GetAsync("/formula");
        Assert.Equal((HttpStatusCode.BadGateway, "application/problem+json"), (problem.StatusCode, problem.Content.Headers.ContentType!.MediaType));
    }

    [Fact]
    public async Task An_upgrade_is_not_offered()
    {
        using HttpClient program = site.Program(Site.DemoToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/usage");
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.Add(new ProductHeaderValue("websocket"));
        using HttpResponseMessage answer = await program.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    private static StreamContent Bytes(int count) => new(new MemoryStream(new byte[count]));
}
