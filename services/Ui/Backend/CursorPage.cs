namespace HpcBilling.Ui.Backend;

/// <summary>One page of a list.</summary>
/// <param name="Items">Bounded by the service that answers.</param>
/// <param name="NextCursor">Where the next page starts; null on the last.</param>
public sealed record CursorPage<T>(IReadOnlyList<T> Items, string? NextCursor);
