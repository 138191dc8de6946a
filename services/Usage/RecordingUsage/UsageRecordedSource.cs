using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Messaging;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>
/// Reads a batch's runs when the relay publishes it. A run that was updated since then has moved to a later batch, which tells its newer
/// facts: a batch only ever loses runs, and one that has lost them all says nothing.
/// </summary>
internal sealed class UsageRecordedSource : IMessageSource<UsageRecorded>
{
    private const string Sql = "SELECT * FROM runs WHERE org_id = @Org AND batch_id = @Batch";

    public async Task<UsageRecorded?> BuildAsync(string reference, OrgTransaction transaction, CancellationToken cancellation)
    {
        var batch = Guid.Parse(reference);
        IReadOnlyList<RunRow> rows = await transaction.QueryAsync<RunRow>(Sql, new { Org = transaction.OrgId, Batch = batch }, cancellation);
        return rows.Count == 0 ? null : new UsageRecorded(transaction.OrgId, batch, rows[0].ImportId, [.. rows.Select(row => row.ToMessage())]);
    }
}
