using HpcBilling.Audit.Domain;

namespace HpcBilling.Domain.Tests.Audit;

public sealed class EntryLimitsTests
{
    [Theory]
    [Trait("Control", "AUD-06")]
    [InlineData("password")]
    [InlineData("newPassword")]
    [InlineData("access_token")]
    [InlineData("Authorization")]
    [InlineData("api-key")]
    [InlineData("apiKey")]
    [InlineData("cardNumber")]
    [InlineData("clientSecret")]
    [InlineData("CVC")]
    public void A_detail_named_like_a_secret_is_not_kept(string name) =>
        Assert.Equal(Secrets.Redacted, Apply((name, "hunter2")).Details[name]);

    [Theory]
    [InlineData("tokenId")]
    [InlineData("company")]
    [InlineData("expandedCount")]
    [InlineData("currency")]
    [InlineData("spinCount")]
    public void A_harmless_detail_is_kept(string name) => Assert.Equal("42", Apply((name, "42")).Details[name]);

    [Theory]
    [Trait("Control", "AUD-06")]
    [InlineData("4111 1111 1111 1111")]
    [InlineData("5500005555555559")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl")]
    [InlineData("hpcb_abcdefghijklmnop")]
    [InlineData("Bearer abcdefghijklmnop")]
    public void A_secret_inside_any_text_is_not_kept(string secret)
    {
        AuditEntry entry = EntryLimits.Apply(ChainSamples.Entry(1, $"user:{secret}") with
        {
            Actor = $"x {secret} y",
            Details = new Dictionary<string, string>(StringComparer.Ordinal) { ["note"] = $"see {secret}" },
        });

        Assert.Equal($"see {Secrets.Redacted}", entry.Details["note"]);
        Assert.Equal($"x {Secrets.Redacted} y", entry.Actor);
        Assert.Equal($"user:{Secrets.Redacted}", entry.Subject);
    }

    [Theory]
    [InlineData("01900000-0000-7000-8000-000000000001")]
    [InlineData("R-2026-000001")]
    [InlineData("4111111111111112")]
    public void An_ordinary_number_is_kept(string number) => Assert.Equal(number, Apply(("note", number)).Details["note"]);

    [Fact]
    public void What_exceeds_the_bounds_is_cut_with_a_mark()
    {
        Dictionary<string, string> details = Enumerable.Range(0, 100)
            .ToDictionary(n => $"fact{n:d3}", _ => new string('x', 5_000), StringComparer.Ordinal);
        AuditEntry entry = EntryLimits.Apply(ChainSamples.Entry(1, new string('s', 1_000)) with { Details = details });

        Assert.Equal(EntryLimits.DetailsMax, entry.Details.Count);
        Assert.Equal("69", entry.Details[EntryLimits.DroppedDetails]);
        Assert.Equal(EntryLimits.DetailValueCharsMax, entry.Details["fact000"].Length);
        Assert.EndsWith("…", entry.Subject, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_PostgreSQL_cannot_hold_is_made_storable()
    {
        AuditEntry entry = EntryLimits.Apply(ChainSamples.Entry(1, "a\0b\ud83dc") with { IpAddress = "" });
        Assert.Equal("a\ufffdb\ufffdc", entry.Subject);
        Assert.Null(entry.IpAddress);
    }

    [Fact]
    public void Applying_the_limits_twice_changes_nothing_more()
    {
        AuditEntry once = EntryLimits.Apply(ChainSamples.Entry(1, string.Concat(Enumerable.Repeat("🚀", 400))));
        Assert.Equal(CanonicalRecord.Write(once), CanonicalRecord.Write(EntryLimits.Apply(once)));
    }

    private static AuditEntry Apply((string Name, string Value) detail) => EntryLimits.Apply(
        ChainSamples.Entry(1) with { Details = new Dictionary<string, string>(StringComparer.Ordinal) { [detail.Name] = detail.Value } });
}
