using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Jobs;
using HpcBilling.Usage.Slurm.Parsing;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>POST /api/v1/imports: announces a file; its bytes follow by <see cref="ReceiveContent"/>.</summary>
internal static class CreateImport
{
    private const string InsertSql = """
        INSERT INTO import_jobs (id, org_id, format, fields, cluster, size_bytes) VALUES (@Id, @OrgId, @Format, @Fields, @Cluster, @SizeBytes)
        """;

    private const int NameLengthMax = 255;

    public static void Map(RouteGroupBuilder imports) =>
        imports.MapPost("/", HandleAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));

    private static async Task<IResult> HandleAsync(
        Request request, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, Caller caller,
        Database database, JobLedger ledger, IOptions<UsageOptions> options, IHostEnvironment environment, CancellationToken cancellation)
    {
        if (Check(request, idempotencyKey, options.Value.UploadBytesMax, environment) is { } problem) return Problems.Invalid(problem.Field, problem.Reason);

        string? hash = idempotencyKey is null ? null : Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request)));
        var wanted = new NewJob(Job.Import, ImportJob.Receiving, request.FileName, caller.Username)
        {
            IdempotencyKey = idempotencyKey, RequestHash = hash, Total = request.SizeBytes, FailAtStage = request.FailAtStage,
        };
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        (Job created, bool isNew) = await ledger.CreateAsync(transaction, wanted, cancellation);
        if (created.Type != Job.Import || created.RequestHash != hash) return Problems.Conflict("The Idempotency-Key was used for another request.");

        if (isNew)
        {
            var row = new { created.Id, created.OrgId, request.Format, request.Fields, request.Cluster, request.SizeBytes };
            await transaction.ExecuteAsync(InsertSql, row, cancellation);
            var details = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["fileName"] = request.FileName,
                ["sizeBytes"] = request.SizeBytes.ToString(CultureInfo.InvariantCulture),
            };
            await transaction.AuditAsync(caller.Act("import.created", $"import:{created.Id}", details), cancellation);
        }

        ImportJob job = (await FindImport.FindAsync(transaction, created.Id, cancellation))!;
        await transaction.CommitAsync(cancellation);
        return TypedResults.Accepted($"/api/v1/jobs/{job.Id}", ImportJobView.Of(job));
    }

    private static (string Field, string Reason)? Check(Request request, string? idempotencyKey, long bytesMax, IHostEnvironment environment)
    {
        if (request.FileName is not { Length: > 0 and <= NameLengthMax } name || SlurmName.HasControl(name))
            return ("fileName", $"must be a name of at most {NameLengthMax} characters");
        if (request.Format != "sacct") return ("format", "must be 'sacct'");
        if (request.SizeBytes <= 0) return ("sizeBytes", "the file is empty");
        if (request.SizeBytes > bytesMax) return ("sizeBytes", $"the file has {request.SizeBytes} bytes, and at most {bytesMax} are accepted (Usage:UploadBytesMax)");
        if (idempotencyKey?.Length > NameLengthMax) return ("Idempotency-Key", $"must have at most {NameLengthMax} characters");
        if (request.Cluster is not null && !SlurmName.TryCluster(request.Cluster, out _)) return ("cluster", "may hold letters, digits, '_', '-' and '.' only");
        if (request.Fields is not null && !SacctLayout.TryCreate(SacctLayout.SplitFields(request.Fields), request.Cluster, out _, out string problem)) return ("fields", problem);
        if (request.FailAtStage is not null && !environment.IsDevelopment()) return ("failAtStage", "exists in Development only");
        return null;
    }

    /// <param name="FileName">For people.</param>
    /// <param name="SizeBytes">Of the file.</param>
    /// <param name="Format">Of the file.</param>
    /// <param name="Fields">Columns of a file without a header.</param>
    /// <param name="Cluster">Of a file that names none.</param>
    /// <param name="FailAtStage">Development alone: the stage that is to fail.</param>
    internal sealed record Request(string FileName, long SizeBytes, string Format, string? Fields, string? Cluster, string? FailAtStage = null);
}
