using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Domain.Tests.Usage;

public sealed class LineReaderTests
{
    [Fact]
    public void Lines_come_with_their_number_and_the_place_behind_them()
    {
        var lines = Read("one\ntwo\r\n\nfour\n");

        Assert.Equal([("one", LineEnd.Complete, 1, 4), ("two", LineEnd.Complete, 2, 9), ("", LineEnd.Complete, 3, 10), ("four", LineEnd.Complete, 4, 15)], lines);
    }

    [Fact]
    public void A_last_line_without_an_end_is_told_apart() => Assert.Equal(("cut", LineEnd.Missing, 2, 7), Read("one\ncut")[^1]);

    [Fact]
    public void A_line_of_100_megabytes_is_passed_over_in_constant_memory()
    {
        using var log = new LongLine(100_000_000, "\nnext\n"u8.ToArray());
        var reader = new LineReader(log, 0, 0);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.True(reader.TryRead(out var head, out var end));
        Assert.Equal((LineEnd.TooLong, LineReader.HeadBytes, 100_000_001L), (end, head.Length, reader.Offset));
        Assert.True(reader.TryRead(out var next, out end));
        Assert.True(next.SequenceEqual("next"u8));
        Assert.False(reader.TryRead(out _, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }

    [Theory]
    [InlineData(LineReader.LineBytesMax, false)]
    [InlineData(LineReader.LineBytesMax + 1, true)]
    public void The_bound_of_a_line_is_exact(int length, bool isTooLong)
    {
        var lines = Read(new string('x', length) + "\nnext\n");

        Assert.Equal(isTooLong ? LineEnd.TooLong : LineEnd.Complete, lines[0].End);
        Assert.Equal(("next", LineEnd.Complete, 2, length + 6), lines[1]);
    }

    [Fact]
    public void Reading_on_from_any_line_gives_the_same_rest() => Prop.ForAll(Logs().ToArbitrary(), log =>
    {
        var all = Read(log);
        return Enumerable.Range(0, all.Count).All(i =>
        {
            var offset = i == 0 ? 0 : all[i - 1].Offset;
            return Read(log[(int)offset..], offset, i).SequenceEqual(all[i..]);
        });
    }).QuickCheckThrowOnFailure();

    private static Gen<string> Logs() =>
        from lines in Gen.Elements("", "a|b", "xyz", new string('y', 70_000)).ListOf()
        from end in Gen.Elements("", "\n")
        select string.Join('\n', lines) + end;

    private static List<(string Text, LineEnd End, long Number, long Offset)> Read(string log, long offset = 0, long number = 0)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(log));
        var reader = new LineReader(stream, offset, number);
        var lines = new List<(string, LineEnd, long, long)>();
        while (reader.TryRead(out var line, out var end)) lines.Add((Encoding.UTF8.GetString(line), end, reader.LineNumber, reader.Offset));
        return lines;
    }

    /// <summary>A line as long as no array should be.</summary>
    private sealed class LongLine(long length, byte[] rest) : Stream
    {
        private long position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length + rest.Length;

        public override long Position { get => position; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var (line, tail) = (Math.Min(count, (int)Math.Min(int.MaxValue, Math.Max(0, length - position))), 0);
            buffer.AsSpan(offset, line).Fill((byte)'x');
            if (line == 0)
            {
                tail = (int)Math.Min(count, Length - position);
                rest.AsSpan((int)(position - length), tail).CopyTo(buffer.AsSpan(offset));
            }

            position += line + tail;
            return line + tail;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
