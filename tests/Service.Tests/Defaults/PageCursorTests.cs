using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Service.Tests.Defaults;

public sealed class PageCursorTests
{
    [Fact]
    public void A_cursor_comes_back_as_it_was()
    {
        Assert.True(PageCursor.TryDecode(PageCursor.Encode("2026-01-01", "ключ|\""), 2, out string[] key));
        Assert.Equal(["2026-01-01", "ключ|\""], key);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void No_cursor_is_the_start(string? cursor)
    {
        Assert.True(PageCursor.TryDecode(cursor, 2, out string[] key));
        Assert.Empty(key);
    }

    [Theory]
    [InlineData("%%%")]
    [InlineData("bm90IGpzb24")] // base64 of what is no JSON
    [InlineData("WyJvbmUiXQ")] // one part instead of two
    [InlineData("WyJvbmUiLG51bGxd")] // a part that is null
    public void What_is_no_cursor_is_refused(string cursor) => Assert.False(PageCursor.TryDecode(cursor, 2, out _));
}
