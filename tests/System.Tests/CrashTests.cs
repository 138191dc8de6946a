using System.Text.Json;
using HpcBilling.System.Tests.Infrastructure;

namespace HpcBilling.System.Tests;

/// <summary>Each process is killed in the middle of each act; the AppHost starts it again, and the books must be those of an undisturbed day.</summary>
[Collection(nameof(Platform))]
public sealed class CrashTests(Platform platform)
{
    private const int Runs = 12_000;

    [Theory]
    [InlineData("usage")]
    [InlineData("rating")]
    [InlineData("payment")]
    [InlineData("audit")]
    [InlineData("rabbitmq")]
    [InlineData("postgres")]
    [Trait("Control", "PAY-04")]
    [Trait("Control", "AUD-04")]
    public async Task Killing_a_process_in_the_middle_changes_nothing_in_the_books(string victim)
    {
        string[] users = [.. Enumerable.Range(1, 6).Select(number => $"{victim}-user{number}"), "alice"];
        AccountingLog log = AccountingLog.Make("crash-" + victim, Runs, users);
        Books before = await platform.BooksAsync(users);

        // In the middle of the import.
        Task<JsonElement> import = platform.HpcbJsonAsync("import", log.WriteTo(platform.Folder), "--wait", "--json");
        await platform.WhenImportIsUnderWayAsync(log);
        platform.Kill(victim);
        JsonElement imported = await import;
        Assert.Equal(Runs, imported.GetProperty("stored").GetInt64() + imported.GetProperty("known").GetInt64());
        await platform.HealthyAsync(victim);
        Assert.Equal(Runs, await platform.ScalarAsync<long>("usage", "SELECT count(*) FROM runs WHERE cluster = @Cluster", log));

        // In the middle of the receipt run.
        Task<JsonElement> billing = platform.HpcbJsonAsync("receipts", "run", "--until", "2027-01-01", "--json");
        platform.Kill(victim);
        Assert.Equal("succeeded", (await billing).GetProperty("status").GetString());
        await platform.HealthyAsync(victim);

        Books after = await platform.BooksAsync(users);
        Assert.Equal(before.Runs + Runs, after.Runs);
        Assert.Equal(before.Priced + Runs, after.Priced);
        Assert.Equal(after.Priced, after.Billed);
        Assert.Equal(before.CoreSeconds + log.CoreSeconds, after.CoreSeconds);
        Assert.Equal(before.Receipts + users.Length, after.Receipts); // one each
        Assert.Equal(after.AmountMinor, after.ReceiptTotalMinor);
        Assert.Equal(after.ReceiptTotalMinor, after.ItemTotalMinor);

        // In the middle of a payment.
        using WebSession alice = await platform.SignInAsync("alice");
        string receipt = await platform.OpenReceiptAsync("alice");
        Task paying = Platform.PayAsync(alice, "/me/receipts/" + receipt, patient: true);
        platform.Kill(victim);
        await paying;
        await platform.HealthyAsync(victim);
        var id = new { Id = Guid.Parse(receipt) };
        await Wait.UntilAsync("the receipt is paid", async () =>
            await platform.ScalarAsync<string>("rating", "SELECT status FROM receipts WHERE id = @Id", id) == "paid");
        Assert.Equal(1, await platform.ScalarAsync<long>("payment", "SELECT count(*) FROM payments WHERE receipt_id = @Id AND status = 'succeeded'", id));

        await platform.EveryEventArrivedAsync();
        Assert.Equal(after.Receipts, await platform.ScalarAsync<long>(
            "payment", "SELECT count(*) FROM payables WHERE username = ANY(@Users)", new { Users = users }));
        Assert.True((await platform.HpcbJsonAsync("audit", "verify", "--json")).GetProperty("whole").GetBoolean());
    }
}
