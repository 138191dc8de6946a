using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HpcBilling.Service.Tests.Infrastructure;
using HpcBilling.ServiceDefaults;
using Npgsql;

namespace HpcBilling.Service.Tests.Audit;

[Collection(nameof(Servers))]
public sealed class ReadingTests(Servers servers)
{
    [Fact]
    [Trait("Control", "AUD-01")]
    public async Task A_row_altered_in_the_database_is_named_by_the_service_and_by_the_offline_check()
    {
        await using RunningService audit = await StartWithActsAsync(20);
        await audit.ExecuteAsync("UPDATE audit_entries SET actor = 'mallory' WHERE seq = 7");
        Guid entryId = await audit.ScalarAsync<Guid>("SELECT entry_id FROM audit_entries WHERE seq = 7");

        JsonElement verdict = await Acts.VerifyAsync(audit);
        Assert.Equal("broken", verdict.GetProperty("status").GetString());
        Assert.Equal(6, verdict.GetProperty("count").GetInt64());
        JsonElement bad = verdict.GetProperty("firstBad");
        Assert.Equal((7, entryId, "changed"), (bad.GetProperty("seq").GetInt64(), bad.GetProperty("entryId").GetGuid(), bad.GetProperty("fault").GetString()));

        (int exitCode, string output) = await Acts.VerifyOfflineAsync(await Acts.ExportAsync(audit));
        Assert.NotEqual(0, exitCode);
        Assert.Contains(entryId.ToString(), output, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "AUD-01")]
    public async Task Any_tampering_with_the_table_is_found_at_its_first_entry()
    {
        (string Tampering, long FirstBad, string Fault)[] cases =
        [
            ("UPDATE audit_entries SET details = details || '{\"totalMinor\": \"1\"}' WHERE seq = 7", 7, "changed"),
            ("UPDATE audit_entries SET details = '{\"totalMinor\": 7}' WHERE seq = 7", 7, "changed"),
            ("UPDATE audit_entries SET occurred_at = occurred_at + interval '1 microsecond' WHERE seq = 7", 7, "changed"),
            ("UPDATE audit_entries SET hash = repeat('0', 64) WHERE seq = 7", 7, "changed"),
            ("DELETE FROM audit_entries WHERE seq = 7", 7, "missing"),
            ("UPDATE audit_entries SET seq = 7000 WHERE seq = 7; UPDATE audit_entries SET seq = 7 WHERE seq = 12", 7, "changed"),
            ("DELETE FROM audit_entries WHERE seq = 7; UPDATE audit_entries SET seq = seq - 1 WHERE seq = 8", 7, "changed"),
            ("UPDATE audit_entries SET seq = seq + 100 WHERE seq >= 7", 7, "missing"),
        ];
        await using RunningService audit = await StartWithActsAsync(20);
        await audit.ExecuteAsync("CREATE TABLE honest AS TABLE audit_entries");
        foreach ((string tampering, long firstBad, string fault) in cases)
        {
            await audit.ExecuteAsync(tampering);
            JsonElement bad = (await Acts.VerifyAsync(audit)).GetProperty("firstBad");
            Assert.Equal((firstBad, fault), (bad.GetProperty("seq").GetInt64(), bad.GetProperty("fault").GetString()));
            await audit.ExecuteAsync("DELETE FROM audit_entries; INSERT INTO audit_entries TABLE honest");
            await Acts.AssertWholeAsync(audit, 20);
        }
    }

    [Fact]
    [Trait("Control", "AUD-05")]
    [Trait("Control", "WEB-02")]
    public async Task An_export_with_hostile_names_verifies_offline_and_is_on_record()
    {
        string[] hostile = ["=HYPERLINK(\"http://x\";\"y\")", "+1", "-1", "@SUM(A1)", "'=1", "a,\"b\"\r\nc", "<script>alert(1)</script>", "ไทย 🚀", "\t=1"];
        await using RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        await Acts.ReportAsync(bus, hostile.Select((name, n) => Acts.Act(n, actor: name)));
        await Acts.AppendedAsync(audit, hostile.Length);

        string csv = await Acts.ExportAsync(audit);
        Assert.DoesNotMatch("(^|,)\"[=+@\\t-]", csv);
        (int exitCode, string output) = await Acts.VerifyOfflineAsync(csv);
        Assert.True(exitCode == 0, output);

        await Wait.UntilAsync("the export is on record", async () => await audit.ScalarAsync<long>(
            "SELECT count(*) FROM audit_entries WHERE action = 'audit.exported' AND actor = 'admin'") == 1);
    }

    [Fact]
    public async Task A_long_chain_is_exported_whole()
    {
        await using RunningService audit = await StartWithActsAsync(2_500);
        string csv = await Acts.ExportAsync(audit);
        Assert.Equal(2_501, csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        (int exitCode, string output) = await Acts.VerifyOfflineAsync(csv);
        Assert.True(exitCode == 0, output);
    }

    [Fact]
    public async Task The_list_pages_from_the_newest_and_filters()
    {
        await using RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        await Acts.ReportAsync(bus, Enumerable.Range(0, 120).Select(n => Acts.Act(
            n, n % 3 == 0 ? "login.success" : "receipt.issued", n % 2 == 0 ? "alice" : "bob")));
        await Acts.AppendedAsync(audit, 120);
        using HttpClient admin = audit.Client(TestCaller.Admin());

        var seqs = new List<long>();
        string? cursor = null;
        do
        {
            JsonElement page = await admin.GetFromJsonAsync<JsonElement>($"/api/v1/audit?cursor={cursor}");
            seqs.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("seq").GetInt64()));
            cursor = page.GetProperty("nextCursor").GetString();
        }
        while (cursor is not null);
        Assert.Equal(Enumerable.Range(1, 120).Select(n => (long)n).Reverse(), seqs);

        Assert.Equal(20, await CountAsync(admin, "action=login.success&actor=alice"));
        Assert.Equal(30, await CountAsync(admin, "from=2026-11-22T08:00:00.010Z&to=2026-11-22T08:00:00.040Z"));
        Assert.Equal(0, await CountAsync(admin, "to=2026-11-22"));
        foreach (string bad in (string[])["cursor=x", "from=yesterday", "limit=0", "limit=1000"])
            Assert.Equal(HttpStatusCode.UnprocessableEntity, (await admin.GetAsync("/api/v1/audit?" + bad)).StatusCode);
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public async Task Only_an_admin_with_the_scope_of_the_same_org_sees_entries()
    {
        await using RunningService audit = await StartWithActsAsync(1);
        using HttpClient nobody = audit.Client(null);
        using HttpClient user = audit.Client(TestCaller.User("alice"));
        using HttpClient unscoped = audit.Client(TestCaller.Admin() with { Scopes = "usage.read" });
        using HttpClient stranger = audit.Client(TestCaller.Admin(Guid.CreateVersion7()));
        foreach (string path in (string[])["/api/v1/audit", "/api/v1/audit/export.csv", "/api/v1/audit/verify"])
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync(path)).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await unscoped.GetAsync(path)).StatusCode);
            Assert.DoesNotContain("R-000001", await stranger.GetStringAsync(path), StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Control", "DATA-04")]
    public async Task The_serving_role_can_append_and_no_more()
    {
        string[] statements =
        [
            "UPDATE audit_entries SET actor = 'mallory'", "DELETE FROM audit_entries", "TRUNCATE audit_entries",
            "ALTER TABLE audit_entries DISABLE ROW LEVEL SECURITY", "DROP TABLE audit_entries", "CREATE TABLE x (y int)", "CREATE EXTENSION pgcrypto",
        ];
        await using RunningService audit = await StartWithActsAsync(1);
        await using var connection = new NpgsqlConnection(audit.Settings["ConnectionStrings__audit"]);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"SELECT set_config('app.org_id', '{Orgs.Default}', false)", connection);
        await command.ExecuteNonQueryAsync();
        foreach (string statement in statements)
        {
            command.CommandText = statement;
            var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        }
    }

    private async Task<RunningService> StartWithActsAsync(int count)
    {
        RunningService audit = await servers.StartServiceAsync("Audit");
        await using BusProbe bus = await BusProbe.StartAsync(audit);
        await Acts.ReportAsync(bus, Enumerable.Range(1, count).Select(n => Acts.Act(n)));
        await Acts.AppendedAsync(audit, count);
        return audit;
    }

    private static async Task<int> CountAsync(HttpClient admin, string filter) =>
        (await admin.GetFromJsonAsync<JsonElement>("/api/v1/audit?limit=200&" + filter)).GetProperty("items").GetArrayLength();
}
