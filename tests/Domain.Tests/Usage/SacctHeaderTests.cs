using System.Text;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage;

public sealed class SacctHeaderTests
{
    private const string Names = "JobID|JobIDRaw|Cluster|Partition|QOS|Account|User|Submit|Start|End|ElapsedRaw|State|AllocTRES";

    [Theory]
    [InlineData(Names + "\n", 1)]
    [InlineData(Names + "\r\nrest", 2)]
    [InlineData("\uFEFF" + Names + "\nrest", 4)]
    [InlineData(Names + "|\nrest", 2)]
    public void A_header_is_understood_and_passed_over(string log, int marks)
    {
        var header = Assert.IsType<SacctHeader.Understood>(Read(log));

        Assert.Equal((Names.Length + marks, 1L), (header.Offset, header.Lines));
        Assert.Equal(10, header.Layout.ColumnOf(SacctField.ElapsedRaw));
    }

    [Fact]
    public void Names_are_read_in_any_case() => Assert.IsType<SacctHeader.Understood>(Read(Names.ToLowerInvariant() + "\n"));

    [Fact]
    public void Fields_of_the_request_stand_for_a_header_and_one_that_is_there_all_the_same_is_no_record()
    {
        string fields = Names.Replace('|', ',');

        Assert.Equal((0L, 0L), Place(Read("1|1|hpc\n", fields)));
        Assert.Equal((Names.Length + 1L, 1L), Place(Read(Names.ToUpperInvariant() + "\n1|1|hpc\n", fields)));
        Assert.Equal(26, Assert.IsType<SacctHeader.Understood>(Read("x\n", "xdmod")).Layout.Columns);
        Assert.Equal(13, Assert.IsType<SacctHeader.Understood>(Read("x\n", fields.Replace("User", "User%30", StringComparison.Ordinal))).Layout.Columns);
    }

    [Fact]
    public void What_is_no_header_is_refused_with_what_was_expected_and_found()
    {
        var refused = Assert.IsType<SacctHeader.Refused>(Read("163485|163485|phillips|p|q|secret project|secret name\n"));

        Assert.Equal("wrong_header", refused.Code);
        Assert.Contains("JobID|JobIDRaw", refused.Message, StringComparison.Ordinal);
        Assert.Contains("found '163485|163485|phillips|p|q…'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--fields", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "empty_file")]
    [InlineData("\n\n", "wrong_header")]
    [InlineData("PK\u0003\u0004\0\0", "binary_file")]
    [InlineData("JobID|JobIDRaw\n", "wrong_header")]
    [InlineData("JobID|JobIDRaw|JobID|Cluster\n", "wrong_header")]
    public void A_file_that_is_no_log_is_refused(string file, string code) => Assert.Equal(code, Assert.IsType<SacctHeader.Refused>(Read(file)).Code);

    [Fact]
    public void Utf16_is_called_by_its_name()
    {
        byte[] log = [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Names)];

        Assert.Equal("wrong_encoding", Assert.IsType<SacctHeader.Refused>(SacctHeader.Read(new MemoryStream(log), null, null)).Code);
    }

    private static (long Offset, long Lines) Place(SacctHeader header)
    {
        var understood = Assert.IsType<SacctHeader.Understood>(header);
        return (understood.Offset, understood.Lines);
    }

    private static SacctHeader Read(string log, string? fields = null) => SacctHeader.Read(new MemoryStream(Encoding.UTF8.GetBytes(log)), fields, null);
}
