using System.Globalization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Polling;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>GET /api/v1/jobs, /api/v1/jobs/{id} and /api/v1/imports/{id}/quarantine.</summary>
internal static class ReadImports
{
    private const int PageRows = 100;

    private const string ListSql = """
        SELECT * FROM import_jobs WHERE org_id = @Org AND (@Before::uuid IS NULL OR id < @Before) ORDER BY id DESC LIMIT @Rows
        """;

    private static readonly OrgOwned Read = new("job", "SELECT org_id FROM reads WHERE id = @Id");

    private const string ReadSql = "SELECT * FROM reads WHERE org_id = @Org AND id = @Id";

    private const string QuarantineSql = """
        SELECT id, state, line, code, field, reason, text FROM quarantine
        WHERE org_id = @Org AND import_id = @Id AND line > @After ORDER BY line LIMIT @Rows
        """;

    public static void Map(RouteGroupBuilder imports, RouteGroupBuilder jobs)
    {
        jobs.MapGet("/", ListAsync);
        jobs.MapGet("/{id:guid}", ReadAsync);
        imports.MapGet("/{id:guid}/quarantine", QuarantineAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
    }

    private static async Task<IResult> ListAsync(string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        if (!PageCursor.TryDecode(cursor, 1, out string[] key)) return Problems.Invalid("cursor", "is not one of this list");
        Guid? before = null;
        if (key.Length == 1)
        {
            if (!Guid.TryParse(key[0], out Guid id)) return Problems.Invalid("cursor", "is not one of this list");
            before = id;
        }

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<ImportJob> rows = await transaction.QueryAsync<ImportJob>(
            ListSql, new { Org = caller.OrgId, Before = before, Rows = PageRows + 1 }, cancellation);
        return TypedResults.Ok(Page.Of(rows, PageRows, ImportJobView.Of, last => PageCursor.Encode(last.Id.ToString())));
    }

    private static async Task<IResult> ReadAsync(Guid id, Caller caller, Database database, CancellationToken cancellation)
    {
        if (await FindReadAsync(id, caller, database, cancellation) is { } read) return TypedResults.Ok(ClusterReadView.Of(read));
        if (await database.RefuseOtherOrgAsync(Read, id, caller, cancellation) is { } refusal) return refusal;
        return await FindImport.FindAsync(database, caller, id, cancellation) switch
        {
            ImportLookup.Found found => TypedResults.Ok(ImportJobView.Of(found.Job)),
            ImportLookup.Refused refused => refused.Problem,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static async Task<ClusterRead?> FindReadAsync(Guid id, Caller caller, Database database, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        return await transaction.QuerySingleOrDefaultAsync<ClusterRead>(ReadSql, new { Org = caller.OrgId, Id = id }, cancellation);
    }

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

    private sealed record QuarantinedLineView(Guid Id, string State, long Line, string Code, string? Field, string Reason, string Text);
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
