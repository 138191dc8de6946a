using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>The import that a caller names, if it is his org's.</summary>
internal static class FindImport
{
    private const string Sql = "SELECT * FROM import_jobs WHERE org_id = @Org AND id = @Id";
    private const string ExistsSql = "SELECT EXISTS (SELECT 1 FROM import_jobs WHERE id = @Id)";

    public static async Task<ImportLookup> FindAsync(Database database, Caller caller, Guid id, CancellationToken cancellation)
    {
        await using (OrgTransaction own = await database.BeginAsync(caller.OrgId, cancellation))
        {
            if (await own.QuerySingleOrDefaultAsync<ImportJob>(Sql, new { Org = caller.OrgId, Id = id }, cancellation) is { } job) return new ImportLookup.Found(job);
        }

        // Across orgs, and only to tell "nobody's" from "somebody else's".
        await using (OrgTransaction any = await database.BeginWorkerAsync(cancellation))
        {
            if (!await any.ExecuteScalarAsync<bool>(ExistsSql, new { Id = id }, cancellation)) return new ImportLookup.Refused(Problems.NotFound("import"));
        }

        await using OrgTransaction audit = await database.BeginAsync(caller.OrgId, cancellation);
        await audit.AuditAsync(caller.Act("access.denied", $"import:{id}"), cancellation);
        await audit.CommitAsync(cancellation);
        return new ImportLookup.Refused(Problems.Forbidden("The import belongs to another organisation."));
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
