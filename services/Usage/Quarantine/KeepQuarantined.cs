using System.Security.Cryptography;
using System.Text;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.RecordingUsage;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.Quarantine;

/// <summary>Puts records that are no run into quarantine, in the transaction that stores the rest of their chunk.</summary>
internal static class KeepQuarantined
{
    private const string LinesSql = """
        INSERT INTO quarantine (
            id, org_id, import_id, line, cluster, source, code, field, reason, text, format, layout, is_whole, first_seen_at, last_seen_at)
        SELECT id, @Org, @Import, line, cluster, @Source, code, field, reason, text, @Format, @Layout, is_whole, now(), now()
        FROM unnest(@Ids::uuid[], @Lines::bigint[], @Clusters::text[], @Codes::text[], @Fields::text[], @Reasons::text[], @Texts::text[], @AreWhole::boolean[])
            AS kept (id, line, cluster, code, field, reason, text, is_whole)
        """;

    // The same record comes with every poll: it is kept once, and stays dismissed when somebody has dismissed it.
    private const string RecordsSql = """
        INSERT INTO quarantine (
            id, org_id, read_id, digest, cluster, source, code, field, reason, text, format, layout, is_whole, first_seen_at, last_seen_at)
        SELECT DISTINCT ON (digest) id, @Org, @Read::uuid, digest, @Cluster, @Source, code, field, reason, text, @Format, @Layout, is_whole, now(), now()
        FROM unnest(@Ids::uuid[], @Digests::text[], @Codes::text[], @Fields::text[], @Reasons::text[], @Texts::text[], @AreWhole::boolean[])
            AS found (id, digest, code, field, reason, text, is_whole)
        ON CONFLICT (org_id, cluster, digest) DO UPDATE SET
            times = quarantine.times + 1, last_seen_at = excluded.last_seen_at, read_id = excluded.read_id, source = excluded.source, code = excluded.code,
            field = excluded.field, reason = excluded.reason, format = excluded.format, layout = excluded.layout, is_whole = excluded.is_whole
        """;

    public static async Task LinesAsync(
        OrgTransaction transaction, Guid importId, SacctLayout layout, IReadOnlyList<QuarantinedLine> lines, CancellationToken cancellation)
    {
        if (lines.Count == 0) return;
        var form = TextForm.Of(layout);
        var rows = new
        {
            Org = transaction.OrgId, Import = importId, RunOrigin.Import(importId).Source, form.Format, form.Layout,
            Ids = lines.Select(_ => Guid.CreateVersion7()).ToArray(),
            Lines = lines.Select(line => line.Line).ToArray(),
            Clusters = lines.Select(line => TextForm.ClusterOf(layout, line.Text)).ToArray(),
            Codes = lines.Select(line => line.Problem.Code).ToArray(),
            Fields = lines.Select(line => line.Problem.Field).ToArray(),
            Reasons = lines.Select(line => line.Problem.Reason).ToArray(),
            Texts = lines.Select(line => line.Text).ToArray(),
            AreWhole = lines.Select(line => form.IsWhole(line.Problem.Code, line.Text)).ToArray(),
        };
        await transaction.ExecuteAsync(LinesSql, rows, cancellation);
    }

    /// <param name="transaction">Of the chunk.</param>
    /// <param name="origin">The read and the source that brought them.</param>
    /// <param name="cluster">That was read.</param>
    /// <param name="form">How the source tells records.</param>
    /// <param name="records">In the order of the answer.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    public static async Task RecordsAsync(
        OrgTransaction transaction, RunOrigin origin, string cluster, TextForm form, IReadOnlyList<QuarantinedRecord> records, CancellationToken cancellation)
    {
        if (records.Count == 0) return;
        // Whoever has records read again changes the same rows.
        await StoreRuns.TakeTurnAsync(transaction, cancellation);
        var rows = new
        {
            Org = transaction.OrgId, Read = origin.Id, origin.Source, Cluster = cluster, form.Format, form.Layout,
            Ids = records.Select(_ => Guid.CreateVersion7()).ToArray(),
            Digests = records.Select(Digest).ToArray(),
            Codes = records.Select(record => record.Problem.Code).ToArray(),
            Fields = records.Select(record => record.Problem.Field).ToArray(),
            Reasons = records.Select(record => record.Problem.Reason).ToArray(),
            Texts = records.Select(record => record.Text).ToArray(),
            AreWhole = records.Select(record => form.IsWhole(record.Problem.Code, record.Text)).ToArray(),
        };
        await transaction.ExecuteAsync(RecordsSql, rows, cancellation);
    }

    /// <summary>Identity of a record in quarantine: its text.</summary>
    public static string Digest(QuarantinedRecord record) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(record.Text)));
}
