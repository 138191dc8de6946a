using System.Runtime.CompilerServices;
using HpcBilling.Audit.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Audit;

/// <summary>A chain in order of its numbers, read in short transactions: entries never change, so the pages fit together.</summary>
internal static class ChainPages
{
    private const int RowsMax = 1_000;

    private const string LengthSql = "SELECT coalesce(max(seq), 0) FROM audit_entries WHERE org_id = @OrgId";

    private const string PageSql = $"""
        SELECT {EntryRow.Columns} FROM audit_entries
        WHERE org_id = @OrgId AND seq > @AfterSeq AND seq <= @UpToSeq ORDER BY seq LIMIT @RowsMax
        """;

    public static async Task<long> LengthAsync(OrgTransaction transaction, CancellationToken cancellation) =>
        await transaction.ExecuteScalarAsync<long>(LengthSql, new { transaction.OrgId }, cancellation);

    public static async IAsyncEnumerable<SealedEntry> ReadAsync(
        Database database, Guid orgId, long upToSeq, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (long afterSeq = 0; afterSeq < upToSeq;)
        {
            IReadOnlyList<EntryRow> rows;
            await using (OrgTransaction transaction = await database.BeginAsync(orgId, cancellation))
            {
                rows = await transaction.QueryAsync<EntryRow>(
                    PageSql, new { OrgId = orgId, AfterSeq = afterSeq, UpToSeq = upToSeq, RowsMax }, cancellation);
            }

            if (rows.Count == 0) yield break;
            foreach (EntryRow row in rows) yield return row.ToSealed();
            afterSeq = rows[^1].Seq;
        }
    }
}
