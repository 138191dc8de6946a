using System.Text.Json;
using HpcBilling.System.Tests.Infrastructure;

namespace HpcBilling.System.Tests;

[Collection(nameof(Platform))]
public sealed class MainPathTests(Platform platform)
{
    private const int Runs = 3000;

    [Fact]
    [Trait("Control", "DATA-01")]
    public async Task A_log_becomes_paid_audited_receipts_and_the_second_time_nothing_happens()
    {
        AccountingLog log = AccountingLog.Make("mainpath", Runs, "ann", "ben", "cy");
        string file = log.WriteTo(platform.Folder);

        JsonElement first = await platform.HpcbJsonAsync("import", file, "--wait", "--json");
        Assert.Equal(Runs, first.GetProperty("runs").GetInt64());
        Assert.Equal(Runs, first.GetProperty("stored").GetInt64());
        Assert.Equal(0, first.GetProperty("quarantined").GetInt64());
        Assert.Equal(Runs, first.GetProperty("rated").GetInt64());
        Assert.Equal(Hours(log.CoreSeconds), first.GetProperty("cpuCoreHours").GetDecimal());
        Assert.Equal(Hours(log.GpuSeconds), first.GetProperty("gpuHours").GetDecimal());

        JsonElement second = await platform.HpcbJsonAsync("import", file, "--wait", "--json");
        Assert.Equal(0, second.GetProperty("stored").GetInt64());
        Assert.Equal(Runs, second.GetProperty("runs").GetInt64());
        Assert.Equal(first.GetProperty("cpuCoreHours").GetDecimal(), second.GetProperty("cpuCoreHours").GetDecimal());

        Books priced = await platform.BooksAsync(log.Users);
        Assert.Equal(Runs, priced.Runs);
        Assert.Equal(0, priced.Billed);
        Assert.Equal(Hours(log.CoreSeconds), Hours(priced.CoreSeconds));

        await platform.HpcbJsonAsync("receipts", "run", "--until", "2027-01-01", "--json");
        Books billed = await platform.BooksAsync(log.Users);
        Assert.Equal(Runs, billed.Billed);
        Assert.Equal(3, billed.Receipts);
        Assert.Equal(priced.AmountMinor, billed.ReceiptTotalMinor);
        Assert.Equal(billed.ReceiptTotalMinor, billed.ItemTotalMinor);

        await platform.HpcbJsonAsync("receipts", "run", "--until", "2027-01-01", "--json");
        Assert.Equal(billed, await platform.BooksAsync(log.Users));

        JsonElement audit = await platform.HpcbJsonAsync("audit", "verify", "--json");
        Assert.True(audit.GetProperty("whole").GetBoolean());
    }

    [Fact]
    public async Task A_researcher_sees_his_usage_bills_himself_pays_and_the_receipt_is_paid_once()
    {
        await platform.ImportAsync(AccountingLog.Make("selfservice", 40, "dave"));
        using WebSession dave = await platform.SignInAsync("dave");

        await dave.GoAsync("/me?from=2026-03-01&to=2026-04-01");
        Assert.Contains("1039", dave.Text, StringComparison.Ordinal); // the job id of the log's last run
        await Platform.CreateOwnReceiptAsync(dave);
        Assert.StartsWith("/me/receipts/", dave.Location.AbsolutePath, StringComparison.Ordinal);
        string receipt = dave.Location.AbsolutePath;

        await Platform.PayAsync(dave, receipt);
        await Wait.UntilAsync("the receipt is paid", async () =>
            (await dave.GoAsync(receipt)).Page.QuerySelector("form[action*='/payments/']") is null);
        Assert.Equal(1, await platform.ScalarAsync<long>(
            "payment", "SELECT count(*) FROM payments WHERE status = 'succeeded' AND receipt_id = @Id", new { Id = Guid.Parse(receipt.Split('/')[^1]) }));
        Assert.Equal("paid", await platform.ScalarAsync<string>(
            "rating", "SELECT status FROM receipts WHERE id = @Id", new { Id = Guid.Parse(receipt.Split('/')[^1]) }));
    }

    [Fact]
    [Trait("Control", "AUTHZ-03")]
    public async Task Anothers_receipt_is_not_found_and_the_admin_pages_are_refused()
    {
        await platform.ImportAsync(AccountingLog.Make("neighbours", 10, "bob"));
        using WebSession bob = await platform.SignInAsync("bob");
        await Platform.CreateOwnReceiptAsync(bob);
        string receipt = bob.Location.AbsolutePath;

        using WebSession carol = await platform.SignInAsync("carol");
        Assert.Equal(global::System.Net.HttpStatusCode.NotFound, (await carol.GoAsync(receipt)).Status);
        Assert.Equal(global::System.Net.HttpStatusCode.NotFound, (await carol.GoAsync($"/payments/receipt/{receipt.Split('/')[^1]}/start")).Status);
        Assert.Equal(global::System.Net.HttpStatusCode.Forbidden, (await carol.GoAsync("/admin")).Status);
    }

    [Fact]
    [Trait("Control", "AUD-01")]
    public async Task An_entry_altered_in_the_database_is_named_by_the_offline_check()
    {
        string export = Path.Combine(platform.Folder, "audit.csv");
        await platform.HpcbJsonAsync("audit", "verify", "--json");
        await platform.AlterAuditEntryAsync(async seq =>
        {
            (int exit, string output, _) = await platform.HpcbAsync("audit", "verify", "--json");
            Assert.Equal(1, exit);
            using JsonDocument verdict = JsonDocument.Parse(output);
            Assert.False(verdict.RootElement.GetProperty("whole").GetBoolean());
            Assert.Equal(seq, verdict.RootElement.GetProperty("firstBad").GetProperty("seq").GetInt64());

            (exit, _, _) = await platform.HpcbAsync("audit", "export", export);
            Assert.Equal(0, exit);
            (exit, _, _) = await platform.HpcbAsync("audit", "verify", export, "--json");
            Assert.Equal(1, exit);
        });
        await platform.HpcbJsonAsync("audit", "verify", "--json");
    }

    private static decimal Hours(long seconds) => Math.Round(seconds / 3600m, 4, MidpointRounding.AwayFromZero);
}
