using System.Globalization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Audit.ReadingEntries;

/// <summary><c>GET /api/v1/audit</c>: entries from the newest to the oldest, a page at a time.</summary>
internal static class ListEntries
{
    private const int PageRowsDefault = 50;
    private const int PageRowsMax = 200;

    private const string Sql = $"""
        SELECT {EntryRow.Columns} FROM audit_entries
        WHERE org_id = @OrgId
          AND (@BeforeSeq::bigint IS NULL OR seq < @BeforeSeq)
          AND (@Action::text IS NULL OR action = @Action)
          AND (@Actor::text IS NULL OR actor = @Actor)
          AND (@From::timestamptz IS NULL OR occurred_at >= @From)
          AND (@To::timestamptz IS NULL OR occurred_at < @To)
        ORDER BY seq DESC LIMIT @Limit
        """;

    public static void Map(RouteGroupBuilder audit) => audit.MapGet("", HandleAsync);

    private static async Task<IResult> HandleAsync([AsParameters] Query query, Caller caller, Database database, CancellationToken cancellation)
    {
        if (!TryReadInstant(query.From, out DateTimeOffset? from)) return Problems.Invalid("from", "must be a date or an instant");
        if (!TryReadInstant(query.To, out DateTimeOffset? to)) return Problems.Invalid("to", "must be a date or an instant");
        if (query.Limit is < 1 or > PageRowsMax) return Problems.Invalid("limit", $"must be between 1 and {PageRowsMax}");
        if (!PageCursor.TryDecode(query.Cursor, 1, out string[] key) || !TryReadSeq(key, out long? beforeSeq))
            return Problems.Invalid("cursor", "must be one that this list gave");

        int limit = query.Limit ?? PageRowsDefault;
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<EntryRow> rows = await transaction.QueryAsync<EntryRow>(
            Sql,
            new { caller.OrgId, BeforeSeq = beforeSeq, Action = Given(query.Action), Actor = Given(query.Actor), From = from, To = to, Limit = limit + 1 },
            cancellation);

        string? nextCursor = rows.Count > limit ? PageCursor.Encode(rows[limit - 1].Seq.ToString(CultureInfo.InvariantCulture)) : null;
        return TypedResults.Ok(new Page([.. rows.Take(limit).Select(Item.Of)], nextCursor));
    }

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static bool TryReadSeq(string[] key, out long? seq)
    {
        seq = null;
        if (key.Length == 0) return true;
        bool valid = long.TryParse(key[0], NumberStyles.None, CultureInfo.InvariantCulture, out long value);
        seq = value;
        return valid;
    }

    // A date alone is its start in UTC.
    private static bool TryReadInstant(string? text, out DateTimeOffset? instant)
    {
        instant = null;
        if (string.IsNullOrWhiteSpace(text)) return true;
        bool valid = DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset value);
        instant = value;
        return valid;
    }

    internal sealed record Query(string? Cursor, string? Action, string? Actor, string? From, string? To, int? Limit);

    internal sealed record Page(IReadOnlyList<Item> Items, string? NextCursor);

    internal sealed record Item(
        long Seq, Guid EntryId, DateTimeOffset OccurredAt, DateTimeOffset RecordedAt, string Service, string Actor, string Action, string Subject,
        IReadOnlyDictionary<string, string> Details, string? IpAddress, string Hash)
    {
        public static Item Of(EntryRow row) => new(
            row.Seq, row.EntryId, row.OccurredAt, row.RecordedAt, row.Service, row.Actor, row.Action, row.Subject, row.ToSealed().Entry.Details,
            row.IpAddress, row.Hash);
    }
}
