using System.Diagnostics;
using System.Text;
using HpcBilling.Audit.Domain;

namespace HpcBilling.Domain.Tests.Audit;

public sealed class CanonicalRecordTests
{
    [Fact]
    public void The_record_is_these_exact_bytes()
    {
        AuditEntry entry = ChainSamples.Entry(1) with
        {
            Seq = 7,
            Subject = "quote\" back\\slash \u0001\t\n ไทย 🚀 é e\u0301",
        };

        string expected = """
            {"action":"receipt.issued","actor":"alice","details":{"currency":"THB","totalMinor":"1250"},
            "entryId":"01900000-0000-7000-8000-000000000001","ipAddress":"192.0.2.7","occurredAt":"2026-11-22T12:00:01.000000Z",
            "orgId":"01900000-0000-7000-8000-000000000001","recordedAt":"2026-11-22T12:00:01.001234Z","seq":7,"service":"rating",
            "subject":"quote\" back\\slash \u0001\t\n ไทย 🚀 é e&"}
            """.ReplaceLineEndings("").Replace("&", "\u0301", StringComparison.Ordinal);
        Assert.Equal(expected, Encoding.UTF8.GetString(CanonicalRecord.Write(entry)));
    }

    [Fact]
    [Trait("Control", "AUD-01")]
    public async Task The_hash_is_what_sha256sum_says_of_prev_hash_and_record()
    {
        SealedEntry entry = ChainSamples.Chain(2)[1];

        using Process sha256sum = Process.Start(
            new ProcessStartInfo("sha256sum") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await sha256sum.StandardInput.BaseStream.WriteAsync(Encoding.ASCII.GetBytes(entry.PrevHash));
        await sha256sum.StandardInput.BaseStream.WriteAsync(CanonicalRecord.Write(entry.Entry));
        sha256sum.StandardInput.Close();
        string output = await sha256sum.StandardOutput.ReadToEndAsync();

        Assert.Equal(output[..64], entry.Hash);
    }

    [Fact]
    public void Time_zone_and_order_of_details_do_not_reach_the_bytes()
    {
        AuditEntry entry = ChainSamples.Entry(3);
        AuditEntry same = entry with
        {
            OccurredAt = entry.OccurredAt.ToOffset(TimeSpan.FromHours(7)),
            Details = entry.Details.Reverse().ToDictionary(StringComparer.Ordinal),
        };

        Assert.Equal(CanonicalRecord.Write(entry), CanonicalRecord.Write(same));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused_not_replaced() =>
        Assert.Throws<EncoderFallbackException>(() => CanonicalRecord.Write(ChainSamples.Entry(1, subject: "\ud83d")));
}
