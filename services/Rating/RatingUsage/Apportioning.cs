using System.Globalization;
using HpcBilling.Contracts;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Rating.RatingUsage;

/// <summary>
/// Runs as they are stored: whole, or a row for each of the site's months. The first part has the run's key, each further one the key with its
/// month behind it, so that a run that becomes longer or shorter by a correction keeps the parts that stay.
/// </summary>
internal sealed class Apportioning(IOptions<RatingOptions> options, SiteCalendar calendar)
{
    // Between a run's key and the month of a further part; no key has it, and the column part_of is cut there.
    private const char Separator = '#';

    // In the order of the key, as whoever issues a receipt locks them.
    private const string HoldSql = "SELECT job_key FROM runs WHERE org_id = @Org AND (job_key = ANY(@JobKeys) OR part_of = ANY(@JobKeys)) ORDER BY job_key FOR UPDATE";

    // An older revision that comes late may have had parts that the newer one has not: the first part says which one holds.
    private const string NewestSql = """
        SELECT runs.job_key, greatest(runs.revision, newer.revision) AS revision
        FROM runs LEFT JOIN superseded_runs newer ON newer.org_id = @Org AND newer.job_key = runs.job_key
        WHERE runs.org_id = @Org AND runs.job_key = ANY(@JobKeys)
        """;

    private const string PartsSql = "SELECT job_key, part_of, started_at, ended_at FROM runs WHERE org_id = @Org AND part_of = ANY(@JobKeys)";

    /// <summary>The first part of each run. Where there are further ones, whatever is stored of the runs is locked: a receipt that is being issued and this wait for each other.</summary>
    public async Task<IReadOnlyList<RecordedRun>> FirstAsync(IReadOnlyList<RecordedRun> runs, OrgTransaction transaction, CancellationToken cancellation)
    {
        if (runs.Any(run => Cut(run).Count > 1) || (await StoredAsync(runs, transaction, cancellation)).Count > 0)
            await transaction.QueryAsync<string>(HoldSql, Keys(runs, transaction), cancellation);
        return [.. runs.Select(run => Cut(run)[0])];
    }

    /// <summary>The further parts of those runs whose first part is stored, in the revision that holds. A part that a run has no more is there with nothing to charge.</summary>
    public async Task<IReadOnlyList<RecordedRun>> FurtherAsync(IReadOnlyList<RecordedRun> runs, OrgTransaction transaction, CancellationToken cancellation)
    {
        var stored = (await StoredAsync(runs, transaction, cancellation)).ToLookup(part => part.PartOf, StringComparer.Ordinal);
        var concerned = runs.Where(run => stored.Contains(run.JobKey) || Cut(run).Count > 1).ToList();
        if (concerned.Count == 0) return [];

        var newest = (await transaction.QueryAsync<(string JobKey, int Revision)>(NewestSql, Keys(concerned, transaction), cancellation))
            .ToDictionary(run => run.JobKey, run => run.Revision, StringComparer.Ordinal);
        var further = new List<RecordedRun>();
        foreach (var run in concerned.Where(run => newest[run.JobKey] == run.Revision))
        {
            var parts = Cut(run).Skip(1).ToList();
            further.AddRange(parts);
            further.AddRange(stored[run.JobKey].ExceptBy(parts.Select(part => part.JobKey), part => part.JobKey, StringComparer.Ordinal).Select(gone => gone.Emptied(run)));
        }

        return further;
    }

    private IReadOnlyList<RecordedRun> Cut(RecordedRun run)
    {
        if (options.Value.RunsAcrossMonths != RunsAcrossMonths.Apportion || run.StartedAt is not { } start || run.EndedAt is not { } end) return [run];
        return
        [
            .. Apportionment.Cut(start, run.SubmittedAt, end, run.ChargedSeconds, run.CpuUsedMilliseconds, calendar).Select(part => run with
            {
                JobKey = part.Month is { } month ? string.Create(CultureInfo.InvariantCulture, $"{run.JobKey}{Separator}{month:yyyy-MM}") : run.JobKey,
                StartedAt = part.StartedAt,
                EndedAt = part.EndedAt,
                ChargedSeconds = part.ChargedSeconds,
                CpuUsedMilliseconds = part.CpuUsedMilliseconds,
            }),
        ];
    }

    private static Task<IReadOnlyList<StoredPart>> StoredAsync(IReadOnlyList<RecordedRun> runs, OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.QueryAsync<StoredPart>(PartsSql, Keys(runs, transaction), cancellation);

    private static object Keys(IReadOnlyList<RecordedRun> runs, OrgTransaction transaction) =>
        new { Org = transaction.OrgId, JobKeys = runs.Select(run => run.JobKey).ToArray() };

    private sealed record StoredPart(string JobKey, string PartOf, DateTimeOffset StartedAt, DateTimeOffset EndedAt)
    {
        public RecordedRun Emptied(RecordedRun run) => run with
        {
            JobKey = JobKey,
            StartedAt = StartedAt,
            EndedAt = EndedAt,
            ChargedSeconds = 0,
            CpuUsedMilliseconds = null,
            MemoryUsedBytes = null,
        };
    }
}
