using System.Globalization;
using System.Text.Json;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Slurm.Json;
using HpcBilling.Usage.Slurm.Sacct;

namespace HpcBilling.Usage.Reconciling;

/// <param name="Id">The row of <c>reconciliations</c>.</param>
/// <param name="Org">Tenant.</param>
/// <param name="Cluster">Slurm's name of it.</param>
/// <param name="Month"><c>2026-10</c>, of the site's zone.</param>
internal sealed record ReconcileRequest(Guid Id, Guid Org, string Cluster, string Month);

/// <param name="Zone">The site's zone.</param>
/// <param name="From">First instant that is compared.</param>
/// <param name="To">First instant behind it.</param>
/// <param name="Position">Up to here slurmdbd has been read.</param>
/// <param name="Source">Who told it; null before the first answer.</param>
internal sealed record ReconcileProgress(string Zone, DateTimeOffset From, DateTimeOffset To, DateTimeOffset Position, string? Source);

/// <summary>The month cannot be compared; the message says why. With a cause it may be another time.</summary>
internal sealed class ReconcileException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>Weighs a month of a cluster: slurmdbd read afresh, against what is stored and what rating made of each run. Repeatable: it begins anew.</summary>
internal sealed class ReconcileCluster(
    Database database, Clusters clusters, SlurmdbdRecords slurmdbd, BalancedRuns runs, RatingClasses rating, TimeProvider clock, ILogger<ReconcileCluster> log)
{
    private const int DifferencesNamedMax = 1000;

    // What was stored a moment ago is on its way to rating.
    private const int PatienceMax = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private const string ReadUntilSql = "SELECT read_until FROM clusters WHERE org_id = @Org AND name = @Cluster";
    private const string RunningSql = "SELECT count(*) FROM reconciliation_records WHERE org_id = @Org AND reconciliation_id = @Id AND ended_at IS NULL";

    private const string NotStoredSql = """
        SELECT told.job_key FROM unnest(@Keys) AS told (job_key) WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.org_id = @Org AND runs.job_key = told.job_key)
        """;

    private const string ForgetTotalsSql = "DELETE FROM reconciliation_totals WHERE org_id = @Org AND reconciliation_id = @Id";
    private const string ForgetDifferencesSql = "DELETE FROM reconciliation_differences WHERE org_id = @Org AND reconciliation_id = @Id";

    private const string TotalsSql = """
        INSERT INTO reconciliation_totals (org_id, reconciliation_id, tres, slurmdbd, stored, billed, unbilled, exempt, quarantined)
        SELECT @Org, @Id, * FROM unnest(@Tres::text[], @Slurmdbd::numeric[], @Stored::numeric[], @Billed::numeric[], @Unbilled::numeric[], @Exempt::numeric[], @Quarantined::numeric[])
        """;

    private const string DifferencesSql = """
        INSERT INTO reconciliation_differences (org_id, reconciliation_id, number, kind, is_difference, subject, job_id, code, changes)
        SELECT @Org, @Id, named.number, named.kind, named.is_difference, named.subject, named.job_id, named.code, named.changes::jsonb
        FROM unnest(@Kinds::text[], @AreDifferences::boolean[], @Subjects::text[], @JobIds::text[], @Codes::text[], @Changes::text[])
            WITH ORDINALITY AS named (kind, is_difference, subject, job_id, code, changes, number)
        """;

    private const string EndSql = """
        UPDATE reconciliations SET running = @Running, slurmdbd_runs = @SlurmdbdRuns, stored_runs = @StoredRuns,
            billed_runs = @BilledRuns, unbilled_runs = @UnbilledRuns, exempt_runs = @ExemptRuns, quarantined_runs = @QuarantinedRuns,
            not_valued = @NotValued, differences = @Differences, kinds = @KindCounts::jsonb
        WHERE org_id = @Org AND id = @Id
        """;

    private readonly HeldText held = new();

    /// <param name="request">What to compare.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="guard">Asked in the transaction that stores the result whether it is still ours to store.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="ReconcileException">slurmdbd or rating could not be asked, or there is nothing to compare yet.</exception>
    public async Task RunAsync(
        ReconcileRequest request, Func<ReconcileProgress, Task> progress, Func<OrgTransaction, Task> guard, CancellationToken cancellation)
    {
        Cluster Find() => clusters.Find(request.Org, request.Cluster) ?? throw new ReconcileException($"Cluster {request.Cluster} has no live source any more.");

        Find();
        try
        {
            SiteMonth month = await rating.MonthAsync(request.Org, request.Month, cancellation);
            DateTimeOffset to = await EndAsync(request, month, cancellation);
            await progress(new ReconcileProgress(month.Zone, month.From, to, month.From, null));
            await slurmdbd.ReadAsync(
                Find, request.Org, request.Id, month.From, to, (position, source) => progress(new ReconcileProgress(month.Zone, month.From, to, position, source)), cancellation);

            MonthBalance balance = await WeighAsync(request, month.From, to, cancellation);
            await StoreAsync(request, balance, guard, cancellation);
            await slurmdbd.ForgetAsync(request.Org, request.Id, cancellation);
            if (balance.Differences > 0) log.LogWarning("Cluster {Cluster}, {Month}: {Differences} differences from slurmdbd", request.Cluster, request.Month, balance.Differences);
        }
        catch (SourceException failure)
        {
            throw new ReconcileException($"slurmdbd could not be read: {failure.Message}", failure);
        }
        catch (HttpRequestException failure)
        {
            throw new ReconcileException($"rating could not be asked: {failure.Message}", failure);
        }
    }

    // An open month is compared as far as the cluster was polled: what ended later cannot be stored yet.
    private async Task<DateTimeOffset> EndAsync(ReconcileRequest request, SiteMonth month, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(request.Org, cancellation);
        var readUntil = await transaction.ExecuteScalarAsync<DateTimeOffset>(ReadUntilSql, new { request.Org, request.Cluster }, cancellation);
        DateTimeOffset to = readUntil < month.To ? readUntil : month.To;
        return to > month.From ? to : throw new ReconcileException($"Cluster {request.Cluster} has not been read in {request.Month} yet.");
    }

    private async Task<MonthBalance> WeighAsync(ReconcileRequest request, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellation)
    {
        var balance = new MonthBalance(from, to, DifferencesNamedMax);
        int patience = PatienceMax;
        await foreach (IReadOnlyList<BalancedRun> page in runs.ReadAsync(request, from, to, cancellation))
        {
            IReadOnlyDictionary<string, RatedRun> rated = await RateAsync([.. page.Where(run => run.Stored is not null)]);
            foreach (BalancedRun run in page) balance.Add(run with { Rated = rated.GetValueOrDefault(run.Key) });
        }

        await foreach (IReadOnlyList<RefusedRow> page in runs.RefusedAsync(request, cancellation))
        {
            foreach (RefusedRow row in page)
                balance.Add(new RefusedRecord(row.Digest, row.Code, row.Text, row.IsKnown, held.Read(row.Text, SacctSource.Layout(SacctSource.Columns))));
        }

        await foreach (IReadOnlyList<(string Key, RatedRun Run)> page in rating.AllAsync(request.Org, request.Cluster, from, to, cancellation))
        {
            IReadOnlySet<string> notStored = await NotStoredAsync(request.Org, [.. page.Select(run => run.Key)], cancellation);
            foreach ((string key, RatedRun run) in page.Where(run => notStored.Contains(run.Key))) balance.AddUnknownHere(key, run);
        }

        return balance;

        async Task<IReadOnlyDictionary<string, RatedRun>> RateAsync(IReadOnlyList<BalancedRun> stored)
        {
            var found = new Dictionary<string, RatedRun>(await rating.OfAsync(request.Org, [.. stored.Select(run => run.Key)], cancellation), StringComparer.Ordinal);
            while (patience > 0 && stored.Where(run => !IsSettled(run.Stored!.Value, found.GetValueOrDefault(run.Key))).Select(run => run.Key).ToArray() is { Length: > 0 } unsettled)
            {
                patience--;
                await Task.Delay(Pause, clock, cancellation);
                foreach ((string key, RatedRun run) in await rating.OfAsync(request.Org, unsettled, cancellation)) found[key] = run;
            }

            return found;
        }
    }

    private static bool IsSettled(in JobRun stored, RatedRun? rated) => rated?.ColumnOrNull is not null && rated.Latest == RatedFacts.Of(stored);

    private async Task<IReadOnlySet<string>> NotStoredAsync(Guid org, string[] keys, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(org, cancellation);
        return (await transaction.QueryAsync<string>(NotStoredSql, new { Org = org, Keys = keys }, cancellation)).ToHashSet(StringComparer.Ordinal);
    }

    private async Task StoreAsync(ReconcileRequest request, MonthBalance balance, Func<OrgTransaction, Task> guard, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(request.Org, cancellation);
        await guard(transaction);
        var id = new { request.Org, request.Id };
        await transaction.ExecuteAsync(ForgetTotalsSql, id, cancellation);
        await transaction.ExecuteAsync(ForgetDifferencesSql, id, cancellation);
        TresBalance[] totals = [.. balance.Totals];
        await transaction.ExecuteAsync(TotalsSql, TotalColumns(request, totals), cancellation);
        await transaction.ExecuteAsync(DifferencesSql, DifferenceColumns(request, [.. balance.Named]), cancellation);
        var end = new
        {
            request.Org, request.Id, Running = await transaction.ExecuteScalarAsync<long>(RunningSql, id, cancellation),
            SlurmdbdRuns = balance.Runs(BalanceColumn.Slurmdbd), StoredRuns = balance.Runs(BalanceColumn.Stored), BilledRuns = balance.Runs(BalanceColumn.Billed),
            UnbilledRuns = balance.Runs(BalanceColumn.Unbilled), ExemptRuns = balance.Runs(BalanceColumn.Exempt),
            QuarantinedRuns = balance.Runs(BalanceColumn.Quarantined), balance.NotValued, balance.Differences, KindCounts = JsonSerializer.Serialize(balance.Kinds),
        };
        await transaction.ExecuteAsync(EndSql, end, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private static object TotalColumns(ReconcileRequest request, TresBalance[] totals) => new
    {
        request.Org, request.Id, Tres = totals.Select(total => total.Tres).ToArray(),
        Slurmdbd = totals.Select(total => total.Slurmdbd).ToArray(), Stored = totals.Select(total => total.Stored).ToArray(),
        Billed = totals.Select(total => total.Billed).ToArray(), Unbilled = totals.Select(total => total.Unbilled).ToArray(),
        Exempt = totals.Select(total => total.Exempt).ToArray(), Quarantined = totals.Select(total => total.Quarantined).ToArray(),
    };

    private static object DifferenceColumns(ReconcileRequest request, RunDifference[] named) => new
    {
        request.Org, request.Id, Kinds = named.Select(one => one.Kind).ToArray(), AreDifferences = named.Select(one => one.IsDifference).ToArray(),
        Subjects = named.Select(one => one.Subject).ToArray(), JobIds = named.Select(one => one.JobId).ToArray(), Codes = named.Select(one => one.Code).ToArray(),
        Changes = named.Select(one => JsonSerializer.Serialize(one.Changes, JsonSerializerOptions.Web)).ToArray(),
    };

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
