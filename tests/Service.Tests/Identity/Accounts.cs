using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Gateway;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>Accounts that a test makes for itself, and their sign-ins.</summary>
internal static class Accounts
{
    public const string Password = "quite a long sentence";

    /// <returns>User id.</returns>
    public static async Task<Guid> AddAsync(Site site, string username, string role = "user", string? password = Password)
    {
        using HttpClient admin = site.Program(Site.DemoToken);
        using HttpResponseMessage created = await admin.PostAsJsonAsync("/api/v1/users", new { username, password, role });
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        return (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
    }

    /// <summary>Signs in with the password alone.</summary>
    public static async Task<Browser> SignedInAsync(Site site, string username, string password = Password, string from = "127.0.0.1")
    {
        Browser browser = site.Browser(from);
        using HttpResponseMessage answer = await browser.SignInAsync(username, password);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.NotNull(browser.Session);
        return browser;
    }

    /// <summary>A code that was taken is not taken again; a test that is about something else does not wait for the next one.</summary>
    public static Task ForgetLastCodeAsync(Site site) => site.Identity.ExecuteAsync("UPDATE second_factors SET last_step = 0");

    /// <summary>How often identity has said that credentials of that user ended.</summary>
    public static Task<long> RevocationsAsync(Site site, Guid userId) => site.Identity.ScalarAsync<long>(
        "SELECT count(*) FROM outbox WHERE kind = 'CredentialsRevoked' AND body->>'userId' = @UserId", new { UserId = userId.ToString() });

    public static async Task<bool> IsSignedInAsync(Browser browser)
    {
        using HttpResponseMessage answer = await browser.GetAsync("/account");
        return answer.StatusCode == HttpStatusCode.OK;
    }
}
