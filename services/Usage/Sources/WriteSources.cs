using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Polling;
using HpcBilling.Usage.Slurm;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Usage.Sources;

/// <summary>POST /api/v1/sources, PUT and DELETE /api/v1/sources/{id}: in force when it is answered here, and within seconds in every other replica.</summary>
internal static class WriteSources
{
    private static readonly OrgOwned Owned = new("source", "SELECT org_id FROM sources WHERE id = @Id");

    public static void Map(RouteGroupBuilder sources)
    {
        RouteGroupBuilder writing = sources.MapGroup("/").RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));
        writing.MapPost("/", AddAsync);
        writing.MapPut("/{id:guid}", ChangeAsync).RefusesOtherOrgs(Owned);
        writing.MapDelete("/{id:guid}", RemoveAsync).RefusesOtherOrgs(Owned);
    }

    private static async Task<IResult> AddAsync(
        SourceRequest request, Caller caller, Database database, SourceRules rules, LoadSources load, Clusters clusters, TimeProvider clock, CancellationToken cancellation)
    {
        if (rules.Clash(caller.OrgId, request) is { } clash) return clash;
        if (request.Check(caller.OrgId, rules, out WantedSource wanted, out SourceOptions options) is { } problem) return Problems.Invalid(problem.Field, problem.Reason);

        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        SourceRow row = request.Row(Guid.CreateVersion7(now), wanted, options, caller, now);
        StoredSource stored;
        await using (OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation))
        {
            await SourceStore.LockAsync(transaction, cancellation);
            if (await SourceStore.IsTakenAsync(transaction, row, cancellation)) return NameTaken(wanted);
            if (await SourceStore.IsFullAsync(transaction, cancellation)) return Problems.Conflict($"There are {SourceStore.SourcesMax} sources already; remove one first.");
            stored = await SourceStore.InsertAsync(transaction, row, cancellation);
            await transaction.AuditAsync(caller.Act("source.added", $"source:{stored.Id}", Details(stored)), cancellation);
            await transaction.CommitAsync(cancellation);
        }

        await load.TryLoadAsync(cancellation);
        return TypedResults.Created($"/api/v1/sources/{stored.Id}", ListSources.View(stored, rules, clusters));
    }

    private static async Task<IResult> ChangeAsync(
        Guid id, SourceRequest request, Caller caller, Database database, SourceRules rules, LoadSources load, Clusters clusters, TimeProvider clock, CancellationToken cancellation)
    {
        // It looks at files: no transaction waits for that.
        SourceProblem? problem = request.Check(caller.OrgId, rules, out WantedSource wanted, out SourceOptions options);
        StoredSource stored;
        await using (OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation))
        {
            await SourceStore.LockAsync(transaction, cancellation);
            if (await SourceStore.FindAsync(transaction, id, cancellation) is not { } before) return Problems.NotFound("source");
            if (rules.Clash(caller.OrgId, request) is { } clash) return clash;
            if (problem is not null) return Problems.Invalid(problem.Field, problem.Reason);
            if (wanted.Cluster != before.Cluster) return Problems.Invalid("cluster", "cannot change; remove the source and add another one");
            if (request.Revision is not { } revision) return Problems.Invalid("revision", "must be that of the source as it was read");
            if (revision != before.Revision) return Problems.Conflict($"The source was changed meanwhile, by {before.ChangedBy}; look at it again.");

            SourceRow row = request.Row(id, wanted, options, caller, Microseconds.Truncate(clock.GetUtcNow()));
            if (await SourceStore.IsTakenAsync(transaction, row, cancellation)) return NameTaken(wanted);
            stored = await SourceStore.UpdateAsync(transaction, row, cancellation);
            await transaction.AuditAsync(caller.Act("source.changed", $"source:{id}", Details(stored, before)), cancellation);
            await transaction.CommitAsync(cancellation);
        }

        await load.TryLoadAsync(cancellation);
        return TypedResults.Ok(ListSources.View(stored, rules, clusters));
    }

    private static async Task<IResult> RemoveAsync(Guid id, Caller caller, Database database, LoadSources load, CancellationToken cancellation)
    {
        await using (OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation))
        {
            await SourceStore.LockAsync(transaction, cancellation);
            if (await SourceStore.DeleteAsync(transaction, id, cancellation) is not { } removed) return Problems.NotFound("source");
            await transaction.AuditAsync(caller.Act("source.removed", $"source:{id}", Details(removed)), cancellation);
            await transaction.CommitAsync(cancellation);
        }

        await load.TryLoadAsync(cancellation);
        return TypedResults.NoContent();
    }

    private static ProblemHttpResult? Clash(this SourceRules rules, Guid org, SourceRequest request) =>
        rules.Clash(org, request.Cluster?.Trim().ToLowerInvariant() ?? "", (request.Name ?? request.Kind)?.Trim() ?? "") is null
            ? null
            : Problems.Conflict("The operator's configuration has a source of that name for this cluster.");

    private static ProblemHttpResult NameTaken(WantedSource wanted) => Problems.Conflict($"Cluster {wanted.Cluster} has a source of the name {wanted.Name}.");

    // Where it leads is among what the operator named; files, users and the like are told by the name of the setting alone.
    private static Dictionary<string, string> Details(StoredSource source, StoredSource? before = null)
    {
        SourceSettings settings = source.Wanted().Settings;
        var details = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["cluster"] = source.Cluster,
            ["name"] = source.Name,
            ["kind"] = source.Kind,
            ["leadsTo"] = settings.Url ?? settings.Socket ?? settings.SlurmConf ?? settings.Path ?? "",
        };
        if (before is not null) details["changed"] = string.Join(", ", Changes(source, before, settings));
        return details;
    }

    private static IEnumerable<string> Changes(StoredSource source, StoredSource before, SourceSettings settings)
    {
        if (source.Name != before.Name) yield return $"name (was {before.Name})";
        if (source.Kind != before.Kind) yield return $"kind (was {before.Kind})";
        if (source.Preference != before.Preference) yield return $"preference {before.Preference} → {source.Preference}";
        if (source.Enabled != before.Enabled) yield return source.Enabled ? "enabled" : "disabled";
        foreach (string setting in settings.Changes(before.Wanted().Settings)) yield return setting;
    }
}
