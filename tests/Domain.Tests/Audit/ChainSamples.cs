using HpcBilling.Audit.Domain;

namespace HpcBilling.Domain.Tests.Audit;

internal static class ChainSamples
{
    public static readonly Guid Org = new("01900000-0000-7000-8000-000000000001");

    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static AuditEntry Entry(int n, string subject = "receipt:R-2026-000001") => new(
        Org,
        Seq: 0,
        new Guid($"01900000-0000-7000-8000-{n:d12}"),
        Noon.AddSeconds(n),
        Noon.AddSeconds(n).AddMicroseconds(1_234),
        "rating",
        "alice",
        "receipt.issued",
        subject,
        new Dictionary<string, string>(StringComparer.Ordinal) { ["totalMinor"] = "1250", ["currency"] = "THB" },
        n % 2 == 0 ? null : "192.0.2.7");

    public static List<SealedEntry> Chain(int count) => Chain(Enumerable.Range(1, count).Select(n => Entry(n)));

    public static List<SealedEntry> Chain(IEnumerable<AuditEntry> entries)
    {
        var chain = new List<SealedEntry>();
        ChainHead head = HashChain.Start;
        foreach (AuditEntry entry in entries)
        {
            SealedEntry next = HashChain.Seal(head, entry);
            chain.Add(next);
            head = new ChainHead(next.Entry.Seq, next.Hash);
        }

        return chain;
    }

    public static string Csv(IEnumerable<SealedEntry> chain)
    {
        using var csv = new StringWriter();
        ChainCsv.WriteHeader(csv);
        foreach (SealedEntry entry in chain) ChainCsv.Write(csv, entry);
        return csv.ToString();
    }
}
