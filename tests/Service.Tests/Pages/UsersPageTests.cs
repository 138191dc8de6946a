using System.Net;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Pages;

[Collection(nameof(Servers))]
public sealed class UsersPageTests : IClassFixture<PagesSite>
{
    private const string List = "/admin/users";
    private static readonly string Details = $"{List}/{StandInBackend.Account}";
    private static readonly string Api = $"/api/v1/users/{StandInBackend.Account}";
    private readonly PagesSite site;

    public UsersPageTests(PagesSite site)
    {
        this.site = site;
        site.Backend.Forget();
    }

    [Fact]
    public async Task An_account_without_a_password_shows_its_code_once()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage made = await PagesSite.SubmitAsync(browser, List, List, ("Username", " dora "), ("role", "user"), ("Password", ""));
        string page = await made.Content.ReadAsStringAsync();
        Assert.Contains($"id=\"code\">{StandInBackend.Code}</p>", page, StringComparison.Ordinal);
        Assert.Contains("/login/reset", page, StringComparison.Ordinal);
        Assert.True(made.Headers.CacheControl!.NoStore);
        Assert.Equal("POST /api/v1/users {\"username\":\"dora\",\"password\":null,\"role\":\"user\"}", Assert.Single(site.Backend.Written));
        Assert.DoesNotContain(StandInBackend.Code, await browser.GetStringAsync(List), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_identity_objects_to_stands_at_its_field_and_the_password_is_not_sent_back()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, List, List, ("Username", "dora"), ("role", "admin"), ("Password", "short"));
        string page = await refused.Content.ReadAsStringAsync();
        Assert.Contains("id=\"Password-error\">Must have at least 12 characters.</p>", page, StringComparison.Ordinal);
        Assert.Contains("value=\"dora\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("value=\"short\"", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reset", "POST", "/reset {}")]
    [InlineData("removeSecondFactor", "DELETE", "/second-factor {}")]
    [InlineData("disable", "PATCH", " {\"status\":\"disabled\"}")]
    [InlineData("enable", "PATCH", " {\"status\":\"active\"}")]
    [InlineData("role", "PATCH", " {\"role\":\"admin\"}")]
    public async Task Every_button_asks_identity_for_what_it_says(string handler, string method, string sent)
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage done = await PagesSite.SubmitAsync(browser, Details, $"{Details}?handler={handler}", ("role", "admin"));
        Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        Assert.Equal($"{method} {Api}{sent}", Assert.Single(site.Backend.Written));
        string page = await done.Content.ReadAsStringAsync();
        Assert.Equal(handler == "reset", page.Contains(StandInBackend.Code, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refusal_is_shown_in_its_own_words()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, Details, Details + "?handler=role", ("role", "user"));
        Assert.Contains("This is the last active admin", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
