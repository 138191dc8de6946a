using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Rating.RatingUsage;

/// <summary>How many runs of an import have arrived here; who imports waits for it.</summary>
internal static class CountImportedRuns
{
    // By batch, not by run: a run that a later import has updated belongs to both.
    private const string Sql = "SELECT coalesce(sum(runs), 0)::bigint FROM import_batches WHERE org_id = @Org AND import_id = @ImportId";

    private static readonly OrgOwned Import = new("import", "SELECT org_id FROM import_batches WHERE import_id = @Id LIMIT 1");

    public static void Map(RouteGroupBuilder usage) => usage.MapGet("/imports/{importId:guid}", HandleAsync).WithMetadata(Import);

    private static async Task<IResult> HandleAsync(Guid importId, Caller caller, Database database, CancellationToken cancellation)
    {
        long runs;
        await using (var transaction = await database.BeginAsync(caller.OrgId, cancellation))
            runs = await transaction.ExecuteScalarAsync<long>(Sql, new { Org = caller.OrgId, ImportId = importId }, cancellation);

        // None of an import that is still on its way is no error; some of another org's is.
        if (runs == 0 && await database.RefuseOtherOrgAsync(Import, importId, caller, cancellation) is { } refusal) return refusal;
        return TypedResults.Ok(new { Runs = runs });
    }
}
