using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.Usage.Polling;

namespace HpcBilling.Usage.Sources;

/// <summary>GET /api/v1/sources: those of the configuration and those of the org's admins, and what may be named in one.</summary>
internal static class ListSources
{
    public static void Map(RouteGroupBuilder sources) => sources.MapGet("/", HandleAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));

    private static async Task<IResult> HandleAsync(Caller caller, Database database, SourceRules rules, Clusters clusters, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        IReadOnlyList<StoredSource> rows = await SourceStore.ListAsync(transaction, cancellation);
        SourceView[] items =
        [
            .. rules.ConfiguredOf(caller.OrgId).Select(source => SourceView.Of(source.Options, source.Preference))
                .Concat(rows.Select(row => View(row, rules, clusters)))
                .OrderBy(source => source.Cluster, StringComparer.Ordinal).ThenBy(source => source.Preference).ThenBy(source => source.Id is not null)
                .ThenBy(source => source.Name, StringComparer.Ordinal),
        ];
        return TypedResults.Ok(new { Items = items, Reach = ReachView.Of(rules.ReachOf(caller.OrgId)), SourceStore.SourcesMax });
    }

    public static SourceView View(StoredSource row, SourceRules rules, Clusters clusters) =>
        SourceView.Of(row, rules.Check(row, out _)?.ToString() ?? clusters.ProblemOf(row.Id));
}
