using System.Text.Json;
using HpcBilling.System.Tests.Infrastructure;

namespace HpcBilling.System.Tests;

/// <summary>Two orgs on one system, with clusters, users and job ids of the same names.</summary>
[Collection(nameof(Platform))]
public sealed class TenancyTests(Platform platform)
{
    private const string Admin = "admin";
    private static readonly string[] Scopes = ["usage.read", "usage.write", "receipts.read", "receipts.write", "tariffs.write", "audit.read"];

    [Fact]
    [Trait("Control", "AUTHZ-04")]
    public async Task Two_orgs_side_by_side_never_see_each_other()
    {
        using WebSession physics = await platform.SignInAsync($"{Admin}@{Platform.OtherOrg}");
        using WebSession site = await platform.SignInAsync(Admin);
        string theirs = await ProfileAsync(physics);
        string ours = await ProfileAsync(site);
        await physics.PostJsonAsync("/formula", new { type = "mu", cpuCoreHour = 3m, gpuHour = 7m, memoryGibHour = 0m, effectiveFrom = "1970-01-02" });

        // The same cluster, the same users, the same job ids; other runs.
        AccountingLog ourLog = AccountingLog.Make("twins", 60, "tina", "tom");
        AccountingLog theirLog = AccountingLog.Make("twins", 40, "tina", "tom");
        await ImportAsync(ours, ourLog, "ours.psv");
        await ImportAsync(theirs, theirLog, "theirs.psv");

        JsonElement theirTotals = await platform.HpcbJsonOfAsync(theirs, "usage", "totals", "--json");
        Assert.Equal(40, theirTotals.GetProperty("runs").GetInt64());
        Assert.Equal(Hours(theirLog.CoreSeconds), theirTotals.GetProperty("cpuCoreHours").GetDecimal());
        await platform.HpcbJsonOfAsync(theirs, "receipts", "run", "--until", "2027-01-01", "--json");
        Assert.Equal(theirLog.Runs, await platform.ScalarAsync<long>("rating", "SELECT count(*) FROM receipt_items WHERE cluster = 'twins'"));
        await platform.HpcbJsonOfAsync(ours, "receipts", "run", "--until", "2027-01-01", "--json");
        Assert.Equal(theirLog.Runs + ourLog.Runs, await platform.ScalarAsync<long>("rating", "SELECT count(*) FROM receipt_items WHERE cluster = 'twins'"));

        string theirReceipt = await OnlyReceiptAsync(theirs, "tina");
        string ourReceipt = await OnlyReceiptAsync(ours, "tina");
        Assert.NotEqual(theirReceipt, ourReceipt);

        // Pages and files of one org never mention what is the other's.
        foreach (string page in new[] { "/admin", "/admin/receipts", "/admin/usage", "/admin/audit", "/admin/jobs" })
        {
            Assert.DoesNotContain(ourReceipt, (await physics.GoAsync(page)).Page.DocumentElement.OuterHtml, StringComparison.Ordinal);
            Assert.DoesNotContain("ours.psv", physics.Page.DocumentElement.OuterHtml, StringComparison.Ordinal);
        }

        // Another org's id is forbidden, and the attempt is in the log of the org that tried.
        Assert.Equal(global::System.Net.HttpStatusCode.Forbidden, (await physics.GoAsync($"/admin/receipts/{ourReceipt}")).Status);
        Assert.Equal(global::System.Net.HttpStatusCode.Forbidden, (await physics.GoAsync($"/payments/receipt/{ourReceipt}/start")).Status);
        await platform.EveryEventArrivedAsync();
        Assert.Contains($"receipt:{ourReceipt}", (await physics.GoAsync("/admin/audit?action=access.denied")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain($"receipt:{ourReceipt}", (await site.GoAsync("/admin/audit?action=access.denied")).Text, StringComparison.Ordinal);
        Assert.True((await platform.HpcbJsonOfAsync(theirs, "audit", "verify", "--json")).GetProperty("whole").GetBoolean());
        Assert.True((await platform.HpcbJsonOfAsync(ours, "audit", "verify", "--json")).GetProperty("whole").GetBoolean());
    }

    private async Task<string> ProfileAsync(WebSession session)
    {
        await session.GoAsync("/account/tokens");
        JsonElement token = await session.PostJsonAsync("/api/v1/access-tokens", new { name = "tenancy", scopes = Scopes, days = 1 });
        return platform.ProfileWith(token.GetProperty("token").GetString()!);
    }

    private async Task ImportAsync(string profile, AccountingLog log, string name)
    {
        string file = Path.Combine(platform.Folder, name);
        await File.WriteAllTextAsync(file, log.Text);
        JsonElement job = await platform.HpcbJsonOfAsync(profile, "import", file, "--wait", "--json");
        Assert.Equal(log.Runs, job.GetProperty("stored").GetInt64());
    }

    // The list prints one object a receipt: that it is one document is that it is one receipt.
    private async Task<string> OnlyReceiptAsync(string profile, string user) =>
        (await platform.HpcbJsonOfAsync(profile, "receipts", "list", "--user", user, "--json")).GetProperty("id").GetString()!;

    private static decimal Hours(long seconds) => Math.Round(seconds / 3600m, 4, MidpointRounding.AwayFromZero);
}
