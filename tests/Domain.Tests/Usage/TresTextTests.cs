using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Domain.Tests.Usage;

public sealed class TresTextTests
{
    [Fact]
    public void An_untyped_gpu_count_is_the_total_that_typed_ones_split()
    {
        var tres = Read("billing=12,cpu=12,gres/gpu=2,gres/gpu:a100=2,mem=62.50G,node=1");

        Assert.Equal(new Tres(12, 64_000, 1, 2, 12, "a100=2", null), tres);
    }

    [Theory]
    [InlineData("cpu=1,gres/gpu:a100=12,gres/gpu:v100=2", 14, "a100=12,v100=2")]
    [InlineData("cpu=1,gres/gpu:v100=1,gres/gpu:a100=1,gres/gpu=2", 2, "a100=1,v100=1")]
    [InlineData("cpu=1,gres/gpu=6,gres/gpu:a100=4", 6, "a100=4")]
    [InlineData("cpu=1", 0, null)]
    public void Gpus_are_counted_once_whatever_names_them(string text, long gpus, string? byType)
    {
        var tres = Read(text);

        Assert.Equal((gpus, byType), (tres.Gpus, tres.GpusByType));
    }

    [Theory]
    [InlineData("62.50G", 64_000)]
    [InlineData("31000M", 31_000)]
    [InlineData("1024", 1024)]
    [InlineData("512K", 1)]
    [InlineData("511K", 0)]
    [InlineData("1.5T", 1_572_864)]
    [InlineData("2P", 2_147_483_648)]
    [InlineData("0", 0)]
    public void Memory_is_read_in_mebibytes(string text, long mib)
    {
        Assert.True(TresText.TryParseMemoryMib(Encoding.UTF8.GetBytes(text), out var read));
        Assert.Equal(mib, read);
    }

    [Fact]
    public void What_is_neither_cpu_memory_node_nor_gpu_is_kept_as_written()
    {
        var tres = Read("license/matlab=2,cpu=4,fs/disk=100,energy=18446744073709551614,gres/mps=50");

        Assert.Equal("energy=18446744073709551614,fs/disk=100,gres/mps=50,license/matlab=2", tres.Other);
        Assert.Equal((4, null), (tres.Cpus, tres.GpusByType));
    }

    [Fact]
    public void A_job_that_was_given_nothing_holds_nothing() => Assert.Equal(Tres.None, Read(string.Empty));

    [Theory]
    [InlineData("cpu")]
    [InlineData("cpu=")]
    [InlineData("=1")]
    [InlineData("cpu=-1")]
    [InlineData("cpu=+1")]
    [InlineData("cpu=1.5")]
    [InlineData("cpu=1,cpu=1")]
    [InlineData("cpu=1,")]
    [InlineData("cpu=1 node=1")]
    [InlineData("cpu=4294967294")]
    [InlineData("cpu=18446744073709551614")]
    [InlineData("cpu=1,gres/gpu:=2")]
    [InlineData("cpu=1,gres/gpu=1,gres/gpu:a100=2")]
    [InlineData("mem=1e9")]
    [InlineData("mem=2147487648Mn")]
    [InlineData("mem=G")]
    [InlineData("mem=1..5G")]
    [InlineData("mem=9999999999999999999P")]
    public void What_cannot_be_a_count_is_refused_with_the_entry_named(string text)
    {
        Assert.False(TresText.TryParse(Encoding.UTF8.GetBytes(text), out _, out var problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Typed_gpus_can_be_read_back_by_model()
    {
        var byType = Tres.ReadGpusByType(Read("gres/gpu:a100=4,gres/gpu:v100=2").GpusByType);

        Assert.Equal(new Dictionary<string, long>(StringComparer.Ordinal) { ["a100"] = 4, ["v100"] = 2 }, byType);
        Assert.Empty(Tres.ReadGpusByType(null));
    }

    [Fact]
    public void Counts_written_in_any_order_are_read_the_same() => Prop.ForAll(Entries().ToArbitrary(), entries =>
    {
        var forward = Read(string.Join(',', entries));
        var backward = Read(string.Join(',', Enumerable.Reverse(entries)));
        return forward == backward;
    }).QuickCheckThrowOnFailure();

    private static Gen<string[]> Entries() =>
        from cpus in Gen.Choose(0, 100_000)
        from gpus in Gen.Choose(0, 64)
        from mib in Gen.Choose(0, int.MaxValue)
        from nodes in Gen.Choose(1, 10_000)
        select new[] { Name("cpu", cpus), Name("gres/gpu:a100", gpus), Name("gres/gpu", gpus), Name("mem", mib) + "M", Name("node", nodes), "license/x=1" };

    private static string Name(string name, int count) => string.Create(CultureInfo.InvariantCulture, $"{name}={count}");

    private static Tres Read(string text)
    {
        Assert.True(TresText.TryParse(Encoding.UTF8.GetBytes(text), out var tres, out var problem), problem);
        return tres;
    }
}
