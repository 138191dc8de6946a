using System.Globalization;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.RecordingUsage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Usage.Quarantine;

/// <summary>GET /api/v1/quarantine: records of files and live sources that are no run, newest first. GET /api/v1/quarantine/counts.</summary>
internal static class ReadQuarantine
{
    private const int PageRows = 100;
    private const int CountsMax = 1000;

    private const string ListSql = """
        SELECT * FROM quarantine
        WHERE org_id = @Org AND (@State::text IS NULL OR state = @State) AND (@Cluster::text IS NULL OR cluster = @Cluster)
            AND (@Code::text IS NULL OR code = @Code) AND (@Source::text IS NULL OR source = @Source) AND (@Import::uuid IS NULL OR import_id = @Import)
            AND (@BeforeAt::timestamptz IS NULL OR (first_seen_at, id) < (@BeforeAt, @BeforeId))
        ORDER BY first_seen_at DESC, id DESC LIMIT @Rows
        """;

    private const string CountsSql = """
        SELECT cluster, code, state, count(*) AS records FROM quarantine WHERE org_id = @Org
        GROUP BY cluster, code, state ORDER BY cluster NULLS LAST, code, state LIMIT @Rows
        """;

    private const string ImportSql = "SELECT count(*) FROM import_jobs WHERE org_id = @Org AND id = @Id";

    private static readonly OrgOwned Import = new("import", "SELECT org_id FROM import_jobs WHERE id = @Id");

    public static void Map(RouteGroupBuilder quarantine)
    {
        quarantine.MapGet("/", ListAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
        quarantine.MapGet("/counts", CountAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
    }

    /// <returns>Why a caller may not name this import; null when he may.</returns>
    public static async Task<ProblemHttpResult?> RefuseImportAsync(Database database, Caller caller, Guid id, CancellationToken cancellation)
    {
        await using (OrgTransaction own = await database.BeginAsync(caller.OrgId, cancellation))
        {
            if (await own.ExecuteScalarAsync<long>(ImportSql, new { Org = caller.OrgId, Id = id }, cancellation) == 1) return null;
        }

        return await database.RefuseOtherOrgAsync(Import, id, caller, cancellation) ?? Problems.NotFound("import");
    }

    private static async Task<IResult> ListAsync([AsParameters] Filter filter, Caller caller, Database database, CancellationToken cancellation)
    {
        if (filter.State is not (null or "") && !QuarantinedRow.States.Contains(filter.State, StringComparer.Ordinal))
            return Problems.Invalid("state", $"must be one of {string.Join(", ", QuarantinedRow.States)}");
        if (!TryPosition(filter.Cursor, out DateTimeOffset? beforeAt, out Guid beforeId)) return Problems.Invalid("cursor", "is not one of this list");
        if (filter.Import is { } import && await RefuseImportAsync(database, caller, import, cancellation) is { } refusal) return refusal;

        var args = new
        {
            Org = caller.OrgId, State = OrNull(filter.State), Cluster = OrNull(filter.Cluster), Code = OrNull(filter.Code), Source = OrNull(filter.Source),
            filter.Import, BeforeAt = beforeAt, BeforeId = beforeId, Rows = PageRows + 1,
        };
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<QuarantinedRow> rows = await transaction.QueryAsync<QuarantinedRow>(ListSql, args, cancellation);
        return TypedResults.Ok(Page.Of(
            rows, PageRows, QuarantinedView.Of, last => PageCursor.Encode(last.FirstSeenAt.ToString("O", CultureInfo.InvariantCulture), last.Id.ToString())));
    }

    private static async Task<IResult> CountAsync(Caller caller, Database database, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<Count> counts = await transaction.QueryAsync<Count>(CountsSql, new { Org = caller.OrgId, Rows = CountsMax }, cancellation);
        return TypedResults.Ok(new { Open = counts.Where(count => count.State == QuarantinedRow.Open).Sum(count => count.Records), Items = counts });
    }

    private static bool TryPosition(string? cursor, out DateTimeOffset? at, out Guid id)
    {
        (at, id) = (null, default);
        if (!PageCursor.TryDecode(cursor, 2, out string[] key)) return false;
        if (key.Length == 0) return true;
        if (!DateTimeOffset.TryParseExact(key[0], "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset seen) || !Guid.TryParse(key[1], out id)) return false;

        at = seen;
        return true;
    }

    // A form sends every field, also the empty ones.
    private static string? OrNull(string? text) => string.IsNullOrEmpty(text) ? null : text;

    internal sealed record Filter(string? State, string? Cluster, string? Code, string? Source, Guid? Import, string? Cursor);

    private sealed record Count
    {
        public string? Cluster { get; init; }
        public string Code { get; init; } = "";
        public string State { get; init; } = "";
        public long Records { get; init; }
    }
}
