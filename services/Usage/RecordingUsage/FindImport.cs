using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>The import that a caller names, if it is his org's.</summary>
internal static class FindImport
{
    private const string Sql = "SELECT * FROM imports WHERE org_id = @OrgId AND id = @Id";

    private static readonly OrgOwned Import = JobEndpoints.Owned with { Noun = "import" };

    public static Task<ImportJob?> FindAsync(OrgTransaction transaction, Guid id, CancellationToken cancellation) =>
        transaction.QuerySingleOrDefaultAsync<ImportJob>(Sql, new { transaction.OrgId, Id = id }, cancellation);

    public static async Task<ImportLookup> FindAsync(Database database, Caller caller, Guid id, CancellationToken cancellation)
    {
        await using (OrgTransaction own = await database.BeginAsync(caller.OrgId, cancellation))
        {
            if (await FindAsync(own, id, cancellation) is { } job) return new ImportLookup.Found(job);
        }

        return new ImportLookup.Refused(await database.RefuseOtherOrgAsync(Import, id, caller, cancellation) ?? Problems.NotFound("import"));
    }
}

internal abstract record ImportLookup
{
    private ImportLookup()
    {
    }

    internal sealed record Found(ImportJob Job) : ImportLookup;

    internal sealed record Refused(ProblemHttpResult Problem) : ImportLookup;
}
