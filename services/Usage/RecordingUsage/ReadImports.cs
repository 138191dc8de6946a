using System.Globalization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>GET /api/v1/imports/{id}/quarantine.</summary>
internal static class ReadImports
{
    private const int PageRows = 100;

    private const string QuarantineSql = """
        SELECT line, code, field, reason, text FROM import_quarantine
        WHERE org_id = @Org AND import_id = @Id AND line > @After ORDER BY line LIMIT @Rows
        """;

    public static void Map(RouteGroupBuilder imports) =>
        imports.MapGet("/{id:guid}/quarantine", QuarantineAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));

    private static async Task<IResult> QuarantineAsync(Guid id, string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        long after = 0;
        if (!PageCursor.TryDecode(cursor, 1, out string[] key) || (key.Length == 1 && !long.TryParse(key[0], NumberStyles.None, CultureInfo.InvariantCulture, out after)))
            return Problems.Invalid("cursor", "is not one of this list");
        if (await FindImport.FindAsync(database, caller, id, cancellation) is ImportLookup.Refused refused) return refused.Problem;

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<QuarantinedLineView> rows = await transaction.QueryAsync<QuarantinedLineView>(
            QuarantineSql, new { Org = caller.OrgId, Id = id, After = after, Rows = PageRows + 1 }, cancellation);
        return TypedResults.Ok(Page.Of(rows, PageRows, row => row, last => PageCursor.Encode(last.Line.ToString(CultureInfo.InvariantCulture))));
    }

    private sealed record QuarantinedLineView(long Line, string Code, string? Field, string Reason, string Text);
}

/// <summary>One page of a list.</summary>
/// <param name="Items">The rows.</param>
/// <param name="NextCursor">Where the next page begins; null when this is the last.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

internal static class Page
{
    /// <param name="rows">One more than fits, when there are more.</param>
    /// <param name="size">Rows of a page.</param>
    /// <param name="view">Row as the client sees it.</param>
    /// <param name="cursor">Position behind a row.</param>
    public static Page<TView> Of<TRow, TView>(IReadOnlyList<TRow> rows, int size, Func<TRow, TView> view, Func<TRow, string> cursor) =>
        new([.. rows.Take(size).Select(view)], rows.Count > size ? cursor(rows[size - 1]) : null);
}
