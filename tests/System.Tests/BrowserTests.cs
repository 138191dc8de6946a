using HpcBilling.System.Tests.Infrastructure;
using Microsoft.Playwright;

namespace HpcBilling.System.Tests;

[Collection(nameof(Platform))]
public sealed class BrowserTests(Platform platform)
{
    [Fact]
    [Trait("Control", "WEB-03")]
    public async Task A_researcher_finds_his_way_from_the_playground_to_a_paid_receipt()
    {
        await platform.ImportAsync(AccountingLog.Make("browser", 60, "alice"));
        await using Browser browser = await Browser.StartAsync(platform);
        IPage page = browser.Page;

        await page.GotoAsync("/?cores=64&gpus=2&memoryGib=256&hours=12");
        await browser.PictureAsync("playground");
        await Assertions.Expect(page.Locator("body")).ToContainTextAsync("THB");

        await browser.SignInAsync("alice", platform.Password("alice"));
        foreach (string view in (string[])["aggregate", "billed", "detail"])
        {
            await page.GotoAsync("/me?view=" + view);
            await Assertions.Expect(page.Locator("h1")).ToBeVisibleAsync();
        }

        await browser.PictureAsync("usage");
        await page.GotoAsync("/me/receipts");
        await page.Locator("form[method=post][action='/me/receipts'] button").ClickAsync();
        await page.WaitForURLAsync(url => url.Contains("/me/receipts/", StringComparison.Ordinal));
        await browser.PictureAsync("receipt");
        string receipt = page.Url;

        await page.Locator("form[action*='/payments/'] button").ClickAsync();
        await page.WaitForURLAsync(url => url.Contains("/payments/dummy/", StringComparison.Ordinal));
        await browser.PictureAsync("checkout");
        await page.Locator("button[value=pay]").ClickAsync();
        await page.WaitForURLAsync(url => url.Contains("/payments/thanks", StringComparison.Ordinal));
        await Wait.UntilAsync("the receipt is paid", async () =>
        {
            await page.GotoAsync(receipt);
            return await page.Locator("form[action*='/payments/']").CountAsync() == 0;
        });
        await browser.PictureAsync("paid");
        await page.GotoAsync("/account");
        await Assertions.Expect(page.Locator("h1")).ToBeVisibleAsync();
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    [Trait("Control", "WEB-03")]
    public async Task An_admin_publishes_a_rate_marks_a_receipt_paid_and_finds_both_in_the_log()
    {
        await platform.ImportAsync(AccountingLog.Make("byhand", 20, "dora"));
        await platform.HpcbJsonAsync("receipts", "run", "--until", "2027-01-01", "--json");
        await using Browser browser = await Browser.StartAsync(platform);
        IPage page = browser.Page;
        await browser.SignInAsync("admin", platform.Password("admin"));
        foreach (string path in (string[])["/admin/usage", "/admin/receipts", "/admin/tiers", "/admin/jobs", "/admin/imports", "/admin/sources"])
        {
            IResponse? response = await page.GotoAsync(path);
            Assert.Equal(200, response?.Status);
            await Assertions.Expect(page.Locator("h1")).ToBeVisibleAsync();
        }

        await page.GotoAsync("/admin");
        await browser.PictureAsync("admin");

        await page.GotoAsync("/admin/tariffs/gov");
        await page.Locator("input[name$=GpuHour]").FillAsync("21.5");
        await page.Locator("main form button[type=submit]").First.ClickAsync();
        await browser.PictureAsync("tariffs");
        await page.Locator("main form[method=post] button.primary, main form[method=post] button[type=submit]").First.ClickAsync();
        await Wait.UntilAsync("the new rate is in force", async () =>
            await platform.ScalarAsync<decimal>("rating", "SELECT gpu_hour FROM tariffs WHERE tier = 'gov' ORDER BY version DESC LIMIT 1") == 21.5m);

        string receipt = await platform.OpenReceiptAsync("dora");
        await page.GotoAsync("/admin/receipts/" + receipt);
        await page.Locator("input[name$=eason], textarea[name$=eason]").FillAsync("bank transfer 4711");
        await page.Locator("main form[method=post] button").First.ClickAsync();
        await Wait.UntilAsync("the receipt is paid", async () =>
            await platform.ScalarAsync<string>("rating", "SELECT status FROM receipts WHERE id = @Id", new { Id = Guid.Parse(receipt) }) == "paid");

        await Wait.UntilAsync("both acts are in the log", async () =>
        {
            await page.GotoAsync("/admin/audit");
            string log = await page.Locator("main").InnerTextAsync();
            return log.Contains("tariff.published", StringComparison.Ordinal) && log.Contains("payment.settled_manually", StringComparison.Ordinal);
        });
        await browser.PictureAsync("audit");
        Assert.Empty(browser.Complaints);
        await page.GotoAsync(platform.OperatorUrl);
        await Assertions.Expect(page.Locator("body")).ToContainTextAsync("rating");
        await browser.PictureAsync("operator");
    }
}
