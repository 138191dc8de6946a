using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.RecordingUsage;

namespace HpcBilling.Usage.Quarantine;

/// <summary>
/// POST /api/v1/quarantine/{id}/retry and /api/v1/quarantine/retry: reads what was kept again, with the parser of today. The second takes the open
/// records of a cluster, a code or an import, some at a time; it says where to go on.
/// </summary>
internal static class RetryQuarantined
{
    private const int RowsMax = 500;

    private const string OpenSql = """
        SELECT id, import_id, read_id, source FROM quarantine
        WHERE org_id = @Org AND state = 'open' AND is_whole AND id > @After AND (@Cluster::text IS NULL OR cluster = @Cluster)
            AND (@Code::text IS NULL OR code = @Code) AND (@Import::uuid IS NULL OR import_id = @Import)
        ORDER BY id LIMIT @Rows
        """;

    public static void Map(RouteGroupBuilder quarantine)
    {
        quarantine.MapPost("/retry", RetryAllAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));
        quarantine.MapPost("/{id:guid}/retry", RetryOneAsync)
            .RequireAuthorization(Policies.Operator, Policies.Scope("usage.write")).RefusesOtherOrgs(QuarantinedRow.Owned);
    }

    private static async Task<IResult> RetryOneAsync(Guid id, Caller caller, Database database, RetryRecords retry, CancellationToken cancellation)
    {
        if (await FindAsync(database, caller, id, cancellation) is not { } row) return Problems.NotFound("record in quarantine");
        if (row.State == QuarantinedRow.Open && !row.IsWhole)
            return Problems.Conflict("Only a part of the record was kept: it cannot be read again. Import its file again, or dismiss it.");

        RetriedRecords retried = await retry.RetryAsync(caller, row.Origin, [id], $"quarantine:{id}", cancellation);
        row = (await FindAsync(database, caller, id, cancellation))!;
        if (retried.Count == 0) return Problems.Conflict($"The record is {row.State} already.");
        string outcome = retried switch { { Stored: 1 } => "stored", { Known: 1 } => "known", _ => "refused" };
        return TypedResults.Ok(new { Outcome = outcome, Record = QuarantinedView.Of(row) });
    }

    private static async Task<IResult> RetryAllAsync(Request request, Caller caller, Database database, RetryRecords retry, CancellationToken cancellation)
    {
        Guid after = Guid.Empty;
        if (!PageCursor.TryDecode(request.Cursor, 1, out string[] key) || (key.Length == 1 && !Guid.TryParse(key[0], out after)))
            return Problems.Invalid("cursor", "is not one of this list");
        if (request.ImportId is { } import && await ReadQuarantine.RefuseImportAsync(database, caller, import, cancellation) is { } refusal) return refusal;

        IReadOnlyList<QuarantinedRow> rows = await OpenAsync(request, after, caller, database, cancellation);
        var retried = RetriedRecords.None;
        foreach (IGrouping<RunOrigin, Guid> some in rows.Take(RowsMax).GroupBy(row => row.Origin, row => row.Id))
            retried += await retry.RetryAsync(caller, some.Key, [.. some], Subject(request), cancellation);
        string? next = rows.Count > RowsMax ? PageCursor.Encode(rows[RowsMax - 1].Id.ToString()) : null;
        return TypedResults.Ok(new { retried.Stored, retried.Known, retried.Refused, NextCursor = next });
    }

    private static async Task<QuarantinedRow?> FindAsync(Database database, Caller caller, Guid id, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        return await QuarantinedRow.FindAsync(transaction, id, cancellation);
    }

    private static async Task<IReadOnlyList<QuarantinedRow>> OpenAsync(
        Request request, Guid after, Caller caller, Database database, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var args = new { Org = caller.OrgId, After = after, request.Cluster, request.Code, Import = request.ImportId, Rows = RowsMax + 1 };
        return await transaction.QueryAsync<QuarantinedRow>(OpenSql, args, cancellation);
    }

    private static string Subject(Request request) =>
        request.ImportId is { } import ? $"import:{import}" : request.Cluster is { } cluster ? $"cluster:{cluster}" : "quarantine";

    internal sealed record Request(string? Cluster, string? Code, Guid? ImportId, string? Cursor);
}
