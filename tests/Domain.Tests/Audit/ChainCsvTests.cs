using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Audit.Domain;

namespace HpcBilling.Domain.Tests.Audit;

[Trait("Control", "AUD-05")]
public sealed class ChainCsvTests
{
    [Fact]
    public void An_export_verifies_offline()
    {
        List<SealedEntry> chain = ChainSamples.Chain(50);
        Assert.Equal(new ChainVerdict.Whole(50, chain[^1].Hash), Verify(ChainSamples.Csv(chain)));
    }

    [Fact]
    public void Any_storable_text_survives_the_file_and_back()
    {
        Gen<string> hostile = Gen.Elements("=1+1", "'=x", "''", "-2", "@a", "+", "a,b", "\"", "\r\n", "\n", "\ttab", "＝1", "ไทย", "🚀", "", " ");
        Gen<string> text = ArbMap.Default.GeneratorFor<string?>().Select(Storable);
        Gen<string> mixed = Gen.OneOf(hostile, text, hostile.SelectMany(head => text.Select(tail => head + tail)));

        Prop.ForAll(mixed.ArrayOf(5).ToArbitrary(), texts =>
        {
            AuditEntry entry = EntryLimits.Apply(ChainSamples.Entry(1, texts[0]) with
            {
                Actor = texts[1],
                Action = texts[2],
                IpAddress = texts[3],
                Details = new Dictionary<string, string>(StringComparer.Ordinal) { [texts[3]] = texts[4] },
            });
            List<SealedEntry> chain = ChainSamples.Chain([entry, ChainSamples.Entry(2)]);
            Assert.IsType<ChainVerdict.Whole>(Verify(ChainSamples.Csv(chain)));
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [Trait("Control", "WEB-02")]
    [InlineData("=HYPERLINK(\"http://x\")")]
    [InlineData("+1")]
    [InlineData("-1+1")]
    [InlineData("@SUM(A1)")]
    [InlineData("\t=1")]
    [InlineData("\r=1")]
    [InlineData("＝1")]
    public void No_cell_begins_like_a_formula(string hostile)
    {
        AuditEntry entry = ChainSamples.Entry(1, hostile) with { Actor = hostile, Service = hostile, Action = hostile, IpAddress = hostile };
        string row = ChainSamples.Csv(ChainSamples.Chain([entry])).Split("\r\n", 2)[1];
        Assert.Equal(5, row.Split("\"'").Length - 1);
        Assert.DoesNotContain($",\"{hostile[0]}", row, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_changed_character_of_a_row_is_found_there()
    {
        List<SealedEntry> chain = ChainSamples.Chain(3);
        string csv = ChainSamples.Csv(chain);
        int rowStart = csv.IndexOf("\r\n\"2\"", StringComparison.Ordinal) + 2;
        int rowEnd = csv.IndexOf("\r\n", rowStart, StringComparison.Ordinal);

        for (int i = rowStart; i < rowEnd; i++)
        {
            char other = csv[i] == '7' ? '8' : '7';
            var broken = Assert.IsType<ChainVerdict.Broken>(Verify(csv[..i] + other + csv[(i + 1)..]));
            Assert.Equal(2, broken.Seq);
        }
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("a,b,c\r\n", "line 1")]
    [InlineData("PK\u0003\u0004\0\0", "line 1")]
    public void What_is_not_an_export_is_said_to_be_none(string file, string reason)
    {
        var broken = Assert.IsType<ChainVerdict.Broken>(Verify(file));
        Assert.Equal(ChainFault.Unreadable, broken.Fault);
        Assert.Contains(reason, broken.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_inside_a_row_names_the_row()
    {
        string csv = ChainSamples.Csv(ChainSamples.Chain(3));
        var broken = Assert.IsType<ChainVerdict.Broken>(Verify(csv[..^20]));
        Assert.Equal((3, ChainFault.Unreadable), (broken.Seq, broken.Fault));
    }

    [Fact]
    public void A_cell_without_end_is_not_read_into_memory()
    {
        string csv = ChainSamples.Csv(ChainSamples.Chain(1)) + "\"" + new string('x', CsvReader.CellCharsMax + 1);
        var broken = Assert.IsType<ChainVerdict.Broken>(Verify(csv));
        Assert.Contains("more than", broken.Reason, StringComparison.Ordinal);
    }

    private static ChainVerdict Verify(string csv)
    {
        using var reader = new StringReader(csv);
        return ChainCsv.Verify(reader);
    }

    private static string Storable(string? text) => new((text ?? "").Where(c => !char.IsSurrogate(c)).ToArray());
}
