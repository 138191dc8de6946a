using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;
using HpcBilling.Usage.Slurm.Parsing;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>POST /api/v1/imports: announces a file; its bytes follow by <see cref="ReceiveContent"/>.</summary>
internal static class CreateImport
{
    private const string InsertSql = """
        INSERT INTO import_jobs (id, org_id, status, stage, requested_by, idempotency_key, request_hash, file_name, format, fields, cluster, size_bytes, created_at, trace_parent)
        VALUES (@Id, @Org, 'queued', 'receiving', @RequestedBy, @Key, @Hash, @FileName, @Format, @Fields, @Cluster, @SizeBytes, @Now, @TraceParent)
        ON CONFLICT (org_id, idempotency_key) DO NOTHING
        """;

    private const string FindSql = "SELECT * FROM import_jobs WHERE org_id = @Org AND (id = @Id OR idempotency_key = @Key)";

    private const int NameLengthMax = 255;

    public static void Map(RouteGroupBuilder imports) =>
        imports.MapPost("/", HandleAsync).RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));

    private static async Task<IResult> HandleAsync(
        Request request, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, Caller caller,
        Database database, IOptions<UsageOptions> options, TimeProvider clock, CancellationToken cancellation)
    {
        if (Check(request, idempotencyKey, options.Value.UploadBytesMax) is { } problem) return Problems.Invalid(problem.Field, problem.Reason);

        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        string? hash = idempotencyKey is null ? null : Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request)));
        var row = new
        {
            Id = Guid.CreateVersion7(now), Org = caller.OrgId, RequestedBy = caller.Username, Key = idempotencyKey, Hash = hash,
            request.FileName, request.Format, request.Fields, request.Cluster, request.SizeBytes, Now = now, TraceParent = Activity.Current?.Id,
        };
        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        bool isNew = await transaction.ExecuteAsync(InsertSql, row, cancellation) == 1;
        ImportJob job = (await transaction.QuerySingleOrDefaultAsync<ImportJob>(FindSql, row, cancellation))!;
        if (job.RequestHash != hash) return Problems.Conflict("The Idempotency-Key was used for another import.");

        if (isNew)
        {
            var details = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["fileName"] = job.FileName,
                ["sizeBytes"] = job.SizeBytes.ToString(CultureInfo.InvariantCulture),
            };
            await transaction.AuditAsync(caller.Act("import.created", $"import:{job.Id}", details), cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return TypedResults.Accepted($"/api/v1/jobs/{job.Id}", ImportJobView.Of(job));
    }

    private static (string Field, string Reason)? Check(Request request, string? idempotencyKey, long bytesMax)
    {
        if (request.FileName is not { Length: > 0 and <= NameLengthMax } name || SlurmName.HasControl(name))
            return ("fileName", $"must be a name of at most {NameLengthMax} characters");
        if (request.Format != "sacct") return ("format", "must be 'sacct'");
        if (request.SizeBytes <= 0) return ("sizeBytes", "the file is empty");
        if (request.SizeBytes > bytesMax) return ("sizeBytes", $"the file has {request.SizeBytes} bytes, and at most {bytesMax} are accepted (Usage:UploadBytesMax)");
        if (idempotencyKey?.Length > NameLengthMax) return ("Idempotency-Key", $"must have at most {NameLengthMax} characters");
        if (request.Cluster is not null && !SlurmName.TryCluster(request.Cluster, out _)) return ("cluster", "may hold letters, digits, '_', '-' and '.' only");
        if (request.Fields is not null && !SacctLayout.TryCreate(SacctLayout.SplitFields(request.Fields), request.Cluster, out _, out string problem)) return ("fields", problem);
        return null;
    }

    internal sealed record Request(string FileName, long SizeBytes, string Format, string? Fields, string? Cluster);
}
