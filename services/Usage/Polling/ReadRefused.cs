using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.RecordingUsage;

namespace HpcBilling.Usage.Polling;

/// <summary>GET /api/v1/clusters/{name}/quarantine: records of a cluster's live sources that are no run, each once, with the reason.</summary>
internal static class ReadRefused
{
    private const int PageRows = 100;

    private const string Sql = """
        SELECT id, state, digest, source, code, field, reason, text, times, first_seen_at, last_seen_at FROM quarantine
        WHERE org_id = @Org AND cluster = @Cluster AND digest > @After ORDER BY digest LIMIT @Rows
        """;

    public static void Map(RouteGroupBuilder clusters) =>
        clusters.MapGet("/{name}/quarantine", ListAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));

    private static async Task<IResult> ListAsync(string name, string? cursor, Caller caller, Database database, CancellationToken cancellation)
    {
        if (!SlurmName.TryCluster(name, out string cluster)) return Problems.NotFound("cluster");
        if (!PageCursor.TryDecode(cursor, 1, out string[] key)) return Problems.Invalid("cursor", "is not one of this list");

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var args = new { Org = caller.OrgId, Cluster = cluster, After = key.Length == 1 ? key[0] : "", Rows = PageRows + 1 };
        IReadOnlyList<RefusedView> rows = await transaction.QueryAsync<RefusedView>(Sql, args, cancellation);
        return TypedResults.Ok(Page.Of(rows, PageRows, row => row, last => PageCursor.Encode(last.Digest)));
    }

    private sealed record RefusedView
    {
        public Guid Id { get; init; }
        public string State { get; init; } = "";
        public string Digest { get; init; } = "";
        public string Source { get; init; } = "";
        public string Code { get; init; } = "";
        public string? Field { get; init; }
        public string Reason { get; init; } = "";
        public string Text { get; init; } = "";
        public long Times { get; init; }
        public DateTimeOffset FirstSeenAt { get; init; }
        public DateTimeOffset LastSeenAt { get; init; }
    }
}
