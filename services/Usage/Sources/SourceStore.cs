using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Usage.Sources;

/// <summary>The rows of an org's sources, within its transaction.</summary>
internal static class SourceStore
{
    public const int SourcesMax = 100;

    // Changes of one org follow each other: what was counted or compared stays true.
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('sources/' || @Org, 0))";

    private const string ListSql = "SELECT * FROM sources WHERE org_id = @Org ORDER BY cluster, preference, name LIMIT @SourcesMax";
    private const string FindSql = "SELECT * FROM sources WHERE org_id = @Org AND id = @Id";
    private const string CountSql = "SELECT count(*) FROM sources WHERE org_id = @Org";
    private const string IsTakenSql = "SELECT EXISTS (SELECT 1 FROM sources WHERE org_id = @Org AND cluster = @Cluster AND name = @Name AND id <> @Id)";

    private const string InsertSql = """
        INSERT INTO sources (id, org_id, cluster, name, kind, preference, settings, enabled, created_by, created_at, changed_by, changed_at)
        VALUES (@Id, @Org, @Cluster, @Name, @Kind, @Preference, @Settings::jsonb, @Enabled, @By, @Now, @By, @Now)
        RETURNING *
        """;

    private const string UpdateSql = """
        UPDATE sources SET name = @Name, kind = @Kind, preference = @Preference, settings = @Settings::jsonb, enabled = @Enabled, revision = revision + 1,
            changed_by = @By, changed_at = @Now
        WHERE org_id = @Org AND id = @Id
        RETURNING *
        """;

    private const string DeleteSql = "DELETE FROM sources WHERE org_id = @Org AND id = @Id RETURNING *";

    public static Task LockAsync(OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.ExecuteAsync(LockSql, new { Org = transaction.OrgId.ToString() }, cancellation);

    public static Task<IReadOnlyList<StoredSource>> ListAsync(OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.QueryAsync<StoredSource>(ListSql, new { Org = transaction.OrgId, SourcesMax }, cancellation);

    public static Task<StoredSource?> FindAsync(OrgTransaction transaction, Guid id, CancellationToken cancellation) =>
        transaction.QuerySingleOrDefaultAsync<StoredSource>(FindSql, new { Org = transaction.OrgId, Id = id }, cancellation);

    public static async Task<bool> IsFullAsync(OrgTransaction transaction, CancellationToken cancellation) =>
        await transaction.ExecuteScalarAsync<long>(CountSql, new { Org = transaction.OrgId }, cancellation) >= SourcesMax;

    public static Task<bool> IsTakenAsync(OrgTransaction transaction, SourceRow row, CancellationToken cancellation) =>
        transaction.ExecuteScalarAsync<bool>(IsTakenSql, row, cancellation);

    public static async Task<StoredSource> InsertAsync(OrgTransaction transaction, SourceRow row, CancellationToken cancellation) =>
        (await transaction.QuerySingleOrDefaultAsync<StoredSource>(InsertSql, row, cancellation))!;

    public static async Task<StoredSource> UpdateAsync(OrgTransaction transaction, SourceRow row, CancellationToken cancellation) =>
        (await transaction.QuerySingleOrDefaultAsync<StoredSource>(UpdateSql, row, cancellation))!;

    public static Task<StoredSource?> DeleteAsync(OrgTransaction transaction, Guid id, CancellationToken cancellation) =>
        transaction.QuerySingleOrDefaultAsync<StoredSource>(DeleteSql, new { Org = transaction.OrgId, Id = id }, cancellation);
}

/// <summary>What is written of a source.</summary>
internal sealed record SourceRow(
    Guid Id, Guid Org, string Cluster, string Name, string Kind, int Preference, string Settings, bool Enabled, string By, DateTimeOffset Now);
