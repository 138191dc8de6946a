using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.Accounting;

/// <summary>One page of a list.</summary>
/// <param name="Items">At most the limit that was asked for.</param>
/// <param name="NextCursor">Where the next page begins; null on the last.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

internal static class Page
{
    public const int RowsDefault = 100;
    public const int RowsMax = 500;

    public static bool IsLimit(int? limit) => limit is null or (>= 1 and <= RowsMax);

    /// <param name="rows">One more than the limit where there is a next page.</param>
    /// <param name="limit">Rows of a page.</param>
    /// <param name="key">Sort key of a row.</param>
    public static Page<T> Of<T>(IReadOnlyList<T> rows, int limit, Func<T, string[]> key) => rows.Count <= limit
        ? new Page<T>(rows, null)
        : new Page<T>([.. rows.Take(limit)], PageCursor.Encode(key(rows[limit - 1])));
}
