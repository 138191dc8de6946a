using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Slurm.Parsing;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>
/// Writes beside runs that are stored what they made use of, and tells it. It writes no other column: no run is new, newer or corrected by
/// it, and its revision stays. Of two figures the larger holds, in whatever order they come: what is measured of an ended run only becomes more complete.
/// </summary>
internal sealed class StoreMeasures(OrgTransaction transaction, Guid originId)
{
    private const string Sql = """
        UPDATE runs AS r SET
            cpu_used_ms = greatest(r.cpu_used_ms, m.cpu_used_ms), memory_used_bytes = greatest(r.memory_used_bytes, m.memory_used_bytes)
        FROM unnest(@Keys, @Ends, @CpuUsedMs, @MemoryUsedBytes) AS m (job_key, ended_at, cpu_used_ms, memory_used_bytes)
        WHERE r.org_id = @Org AND r.job_key = m.job_key AND r.ended_at = m.ended_at
            AND (m.cpu_used_ms > coalesce(r.cpu_used_ms, -1) OR m.memory_used_bytes > coalesce(r.memory_used_bytes, -1))
        RETURNING r.*
        """;

    /// <param name="measured">Of runs that may be stored or not.</param>
    /// <param name="batches">Batches of this transaction: they will tell it of their runs by themselves.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    /// <returns>Of how many runs more is known now.</returns>
    public async Task<int> StoreAsync(IReadOnlyList<MeasuredRun> measured, IReadOnlyList<Guid> batches, CancellationToken cancellation)
    {
        if (measured.Count == 0) return 0;
        await transaction.ExecuteAsync(StoreRuns.LockSql, new { Org = transaction.OrgId.ToString() }, cancellation);
        // One statement changes a row once: of a run that is named twice both figures count.
        var each = measured.GroupBy(run => (run.JobKey, run.EndedAt)).ToList();
        var args = new
        {
            Org = transaction.OrgId,
            Keys = each.Select(run => run.Key.JobKey).ToArray(),
            Ends = each.Select(run => run.Key.EndedAt).ToArray(),
            CpuUsedMs = each.Select(run => run.Max(one => one.Used.CpuMilliseconds)).ToArray(),
            MemoryUsedBytes = each.Select(run => run.Max(one => one.Used.MemoryBytes)).ToArray(),
        };
        IReadOnlyList<RunRow> changed = await transaction.QueryAsync<RunRow>(Sql, args, cancellation);
        foreach (RunRow[] some in changed.Where(row => !batches.Contains(row.BatchId)).Chunk(UsageRecorded.RunsMax))
        {
            var message = new UsageRecorded(transaction.OrgId, Guid.CreateVersion7(), originId, [.. some.Select(row => row.ToMessage())]) { AddsNoRun = true };
            await transaction.EnqueueAsync(message, cancellation);
        }

        return changed.Count;
    }
}
