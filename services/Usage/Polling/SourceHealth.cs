using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Slurm;

namespace HpcBilling.Usage.Polling;

/// <summary>Writes down how each source is, and which one is in use for which reason.</summary>
internal sealed class SourceHealth(Database database, TimeProvider clock, ILogger<SourceHealth> log)
{
    private const int ErrorLengthMax = 500;
    private const string Preferred = "It is the preferred source.";

    private const string SucceededSql = """
        INSERT INTO source_states (org_id, cluster, source, kind, preference, version, last_success_at)
        VALUES (@Org, @Cluster, @Source, @Kind, @Preference, @Version, @Now)
        ON CONFLICT (org_id, cluster, source) DO UPDATE SET
            kind = @Kind, preference = @Preference, version = coalesce(@Version, source_states.version), failures = 0, last_success_at = @Now
        """;

    private const string FailedSql = """
        INSERT INTO source_states (org_id, cluster, source, kind, preference, version, failures, last_error_at, last_error)
        VALUES (@Org, @Cluster, @Source, @Kind, @Preference, @Version, 1, @Now, @Error)
        ON CONFLICT (org_id, cluster, source) DO UPDATE SET
            kind = @Kind, preference = @Preference, failures = source_states.failures + 1, last_error_at = @Now, last_error = @Error
        """;

    private const string WorkedSql = "UPDATE clusters SET failures = 0, last_success_at = @Now WHERE org_id = @Org AND name = @Cluster";

    private const string ActivateSql = """
        UPDATE clusters SET active_source = @Source, active_since = @Now, active_reason = @Reason
        WHERE org_id = @Org AND name = @Cluster AND active_source IS DISTINCT FROM @Source
        """;

    /// <param name="cluster">Its cluster.</param>
    /// <param name="source">What answered.</param>
    /// <param name="instead">What the source before it said, when this one is a fallback.</param>
    /// <param name="cancellation">Cancels the statements.</param>
    public async Task SucceededAsync(Cluster cluster, GuardedSource source, string? instead, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(cluster.Org, cancellation);
        StateRow row = Row(source.Source.Options, source.Preference, source.Source.Version, Cut(instead ?? Preferred), null);
        await transaction.ExecuteAsync(SucceededSql, row, cancellation);
        await transaction.ExecuteAsync(WorkedSql, row, cancellation);
        if (await transaction.ExecuteAsync(ActivateSql, row, cancellation) == 1)
        {
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["source"] = row.Source, ["reason"] = row.Reason };
            await transaction.AuditAsync(new AuditAct("system", "source.switched", $"cluster:{cluster.Name}", details), cancellation);
            log.LogInformation("Cluster {Cluster} is read from {Source}: {Reason}", cluster.Name, row.Source, row.Reason);
        }

        await transaction.CommitAsync(cancellation);
    }

    public Task FailedAsync(GuardedSource source, string error, CancellationToken cancellation) =>
        FailedAsync(source.Source.Options, source.Preference, source.Source.Version, error, cancellation);

    public async Task FailedAsync(SourceOptions source, int preference, string? version, string error, CancellationToken cancellation)
    {
        UsageMetrics.SourceFailures.Add(1, new KeyValuePair<string, object?>("source", source.Name));
        log.LogWarning("Source {Source} of cluster {Cluster} failed: {Reason}", source.Name, source.Cluster, error);
        await using OrgTransaction transaction = await database.BeginAsync(source.Org, cancellation);
        await transaction.ExecuteAsync(FailedSql, Row(source, preference, version, "", Cut(error)), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>A folder of files is well; files complete what live sources tell, and stand in for none.</summary>
    public async Task ReadableAsync(SourceOptions directory, int preference, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(directory.Org, cancellation);
        await transaction.ExecuteAsync(SucceededSql, Row(directory, preference, null, "", null), cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private StateRow Row(SourceOptions source, int preference, string? version, string reason, string? error) => new(
        source.Org, source.Cluster, source.Name, source.Kind, preference, version, Microseconds.Truncate(clock.GetUtcNow()), reason, error);

    private static string Cut(string text) => text[..Math.Min(text.Length, ErrorLengthMax)];

    private sealed record StateRow(
        Guid Org, string Cluster, string Source, string Kind, int Preference, string? Version, DateTimeOffset Now, string Reason, string? Error);
}
