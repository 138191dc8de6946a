using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Cli;

/// <summary>Against a chain that is made here by the published recipe, not by the code that the command runs.</summary>
[Trait("Control", "AUD-05")]
public sealed class HpcbAuditTests
{
    private const string Header =
        "\"seq\",\"entry_id\",\"occurred_at\",\"recorded_at\",\"service\",\"actor\",\"action\",\"subject\",\"ip_address\",\"details\",\"org_id\",\"prev_hash\",\"hash\"\r\n";

    [Fact]
    public async Task A_whole_chain_verifies_without_any_service()
    {
        using var hpcb = new Hpcb();
        (string csv, string head) = Chain(entries: 5);

        Hpcb.Outcome outcome = await hpcb.RunAsync("audit", "verify", hpcb.WriteFile("audit.csv", csv), "--json");

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Equal($$"""{"whole":true,"entries":5,"headHash":"{{head}}"}""", outcome.Output.Trim());
    }

    [Fact]
    public async Task A_changed_entry_is_named_and_ends_with_1()
    {
        using var hpcb = new Hpcb();
        string csv = Chain(entries: 5).Csv.Replace("receipt:3", "receipt:4", StringComparison.Ordinal);

        Hpcb.Outcome outcome = await hpcb.RunAsync("audit", "verify", hpcb.WriteFile("audit.csv", csv));
        Hpcb.Outcome json = await hpcb.RunAsync("audit", "verify", hpcb.WriteFile("audit.csv", csv), "--json");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("broken at entry 3", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(1, json.ExitCode);
        JsonNode verdict = JsonNode.Parse(json.Output)!;
        Assert.Equal((false, 3, "changed"), ((bool)verdict["whole"]!, (int)verdict["firstBad"]!["seq"]!, (string)verdict["firstBad"]!["fault"]!));
    }

    [Fact]
    public async Task Without_a_file_the_chain_is_fetched_and_verified()
    {
        (string csv, string head) = Chain(entries: 3);
        await using StubGateway gateway = await StubGateway.StartAsync(app => app.MapGet("/api/v1/audit/export.csv", () => Results.Text(csv, "text/csv")));
        using var hpcb = Hpcb.SignedInTo(gateway);

        Hpcb.Outcome outcome = await hpcb.RunAsync("audit", "verify");

        Assert.True(outcome.ExitCode == 0, outcome.Error);
        Assert.Contains(head, outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_export_that_breaks_off_leaves_no_file_and_is_not_called_whole()
    {
        string csv = Chain(entries: 3).Csv;
        await using StubGateway gateway = await StubGateway.StartAsync(app => app.MapGet("/api/v1/audit/export.csv", async (HttpContext context) =>
        {
            await context.Response.WriteAsync(csv);
            await context.Response.Body.FlushAsync();
            context.Abort();
        }));
        using var hpcb = Hpcb.SignedInTo(gateway);
        string target = hpcb.WriteFile("audit.csv", "old");

        Assert.Equal(3, (await hpcb.RunAsync("audit", "export", target)).ExitCode);
        Assert.Equal("old", await File.ReadAllTextAsync(target));
        Assert.False(File.Exists(target + ".part"));
        Assert.Equal(3, (await hpcb.RunAsync("audit", "verify")).ExitCode);
    }

    private static (string Csv, string Head) Chain(int entries)
    {
        var csv = new StringBuilder(Header);
        string head = new('0', 64);
        for (var seq = 1; seq <= entries; seq++)
        {
            string id = $"01900000-0000-7000-8000-00000000000{seq}";
            const string At = "2026-03-01T00:00:00.000000Z";
            const string Org = "01900000-0000-7000-8000-000000000001";
            string record = $$"""{"action":"receipt.issued","actor":"alice","details":{},"entryId":"{{id}}","ipAddress":null,"occurredAt":"{{At}}","orgId":"{{Org}}","recordedAt":"{{At}}","seq":{{seq}},"service":"rating","subject":"receipt:{{seq}}"}""";
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(head + record)));
            string[] cells = [$"{seq}", id, At, At, "rating", "alice", "receipt.issued", $"receipt:{seq}", "", "{}", Org, head, hash];
            csv.AppendJoin(',', cells.Select(cell => $"\"{cell}\"")).Append("\r\n");
            head = hash;
        }

        return (csv.ToString(), head);
    }
}
