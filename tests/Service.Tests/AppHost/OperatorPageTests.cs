using System.Net;
using HpcBilling.AppHost.Local.Operator;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class OperatorPageTests : IAsyncLifetime, IDisposable
{
    private readonly HttpClient _browser = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private OperatorPage _page = null!;

    public async Task InitializeAsync() => _page = await OperatorPage.StartAsync(new ResourceBoard(), [], port: 0, CancellationToken.None);

    public async Task DisposeAsync() => await _page.DisposeAsync();

    public void Dispose() => _browser.Dispose();

    [Theory]
    [InlineData("/")]
    [InlineData("/state.json")]
    [InlineData("/operator.js")]
    [InlineData("/login?t=guess")]
    public async Task Without_the_token_nothing_is_shown(string path)
    {
        using var answer = await _browser.GetAsync(Address(path));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task The_printed_address_signs_in_and_the_page_allows_no_foreign_script()
    {
        using var signedIn = await _browser.GetAsync(_page.LoginUrl);
        using var overview = await _browser.GetAsync(Address("/"));

        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        Assert.Equal(HttpStatusCode.OK, overview.StatusCode);
        Assert.StartsWith("default-src 'none'", overview.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("https://elsewhere.example")]
    public async Task A_button_pressed_by_another_site_does_nothing(string? origin)
    {
        using var signedIn = await _browser.GetAsync(_page.LoginUrl);
        using var request = new HttpRequestMessage(HttpMethod.Post, Address("/resources/usage/stop"));
        request.Headers.TryAddWithoutValidation("Origin", origin);

        using var answer = await _browser.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task Another_name_for_this_machine_is_refused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _page.LoginUrl);
        request.Headers.Host = "rebound.example";

        using var answer = await _browser.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    private Uri Address(string path) => new(new Uri(_page.LoginUrl), path);
}
