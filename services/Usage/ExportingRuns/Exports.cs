using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.RecordingUsage;
using Microsoft.AspNetCore.Mvc;

namespace HpcBilling.Usage.ExportingRuns;

/// <summary>POST /api/v1/exports: asks for a CSV file of the runs that ended in a span; GET /api/v1/exports/{id}/content: the file.</summary>
internal static class Exports
{
    private const int KeyLengthMax = 255;

    private const string FindSql = "SELECT * FROM jobs WHERE org_id = @OrgId AND id = @Id AND type = 'export'";

    public static void MapExports(this WebApplication app)
    {
        RouteGroupBuilder exports = app.MapGroup("/api/v1/exports");
        exports.MapPost("/", CreateAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read"));
        exports.MapGet("/{id:guid}/content", ContentAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.read")).RefusesOtherOrgs(JobEndpoints.Owned);
    }

    private static async Task<IResult> CreateAsync(
        Request request, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, Caller caller, Database database, JobLedger ledger, JobSignals signals,
        IHostEnvironment environment, CancellationToken cancellation)
    {
        if (!InstantText.TryParse(request.From, out DateTimeOffset from)) return Problems.Invalid("from", InstantText.Expected);
        if (!InstantText.TryParse(request.To, out DateTimeOffset to)) return Problems.Invalid("to", InstantText.Expected);
        if (from >= to) return Problems.Invalid("to", "must lie behind 'from'");
        string cluster = "";
        if (request.Cluster is not null && !SlurmName.TryCluster(request.Cluster, out cluster)) return Problems.Invalid("cluster", "may hold letters, digits, '_', '-' and '.' only");
        if (idempotencyKey?.Length > KeyLengthMax) return Problems.Invalid("Idempotency-Key", $"must have at most {KeyLengthMax} characters");
        if (request.FailAtStage is not null && !environment.IsDevelopment()) return Problems.Invalid("failAtStage", "exists in Development only");

        string wanted = JsonSerializer.Serialize(new ExportedRuns(from, to, request.Cluster is null ? null : cluster), JsonSerializerOptions.Web);
        string? hash = idempotencyKey is null ? null : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wanted)));
        var job = new NewJob(Job.Export, "waiting", request.Cluster is null ? "all clusters" : cluster, caller.Username)
        {
            IdempotencyKey = idempotencyKey, RequestHash = hash, Request = wanted, FailAtStage = request.FailAtStage,
        };
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        (Job created, bool isNew) = await ledger.CreateAsync(transaction, job, cancellation);
        if (created.Type != Job.Export || created.RequestHash != hash) return Problems.Conflict("The Idempotency-Key was used for another request.");
        if (isNew) await transaction.AuditAsync(caller.Act("export.requested", $"export:{created.Id}"), cancellation);
        await transaction.CommitAsync(cancellation);
        signals.Of(Job.Export).Set();
        return TypedResults.Accepted($"/api/v1/jobs/{created.Id}", new { created.Id, created.Type, created.Status, created.Stage });
    }

    private static async Task<IResult> ContentAsync(Guid id, Caller caller, Database database, Spool spool, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        switch (await transaction.QuerySingleOrDefaultAsync<Job>(FindSql, new { caller.OrgId, Id = id }, cancellation))
        {
            case null:
                return Problems.NotFound("export");
            case { Status: not "succeeded" } job:
                return Problems.Conflict($"The file is not there: the export is {job.Status}.");
        }

        try
        {
            return TypedResults.Stream(spool.OpenRead(id), "text/csv; charset=utf-8", $"runs-{id}.csv");
        }
        catch (FileNotFoundException)
        {
            return Problems.Conflict("The file is no longer kept (Usage:UploadDaysMax days); export again.");
        }
    }

    /// <param name="From">Ended at or after this date (UTC) or instant.</param>
    /// <param name="To">Ended before this date (UTC) or instant.</param>
    /// <param name="Cluster">Null for all.</param>
    /// <param name="FailAtStage">Development alone: the stage that is to fail.</param>
    internal sealed record Request(string? From, string? To, string? Cluster, string? FailAtStage);
}
