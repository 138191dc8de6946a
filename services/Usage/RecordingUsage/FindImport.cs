using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>The import that a caller names, if it is his org's.</summary>
internal static class FindImport
{
    private const string Sql = "SELECT * FROM import_jobs WHERE org_id = @Org AND id = @Id";
    private static readonly OrgOwned Import = new("import", "SELECT org_id FROM import_jobs WHERE id = @Id");

    public static async Task<ImportLookup> FindAsync(Database database, Caller caller, Guid id, CancellationToken cancellation)
    {
        await using (OrgTransaction own = await database.BeginAsync(caller.OrgId, cancellation))
        {
            if (await own.QuerySingleOrDefaultAsync<ImportJob>(Sql, new { Org = caller.OrgId, Id = id }, cancellation) is { } job) return new ImportLookup.Found(job);
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
