using System.Globalization;
using System.Net.Http.Headers;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Jobs;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>PUT and HEAD /api/v1/imports/{id}/content: the file's bytes, resumable from whatever offset the disk holds.</summary>
internal static class ReceiveContent
{
    private const string OffsetHeader = "Upload-Offset";

    private const string KeepSql = """
        WITH job AS (
            UPDATE jobs SET stage = CASE WHEN @Held = total THEN 'waiting' ELSE stage END, done = CASE WHEN @Held = total THEN 0 ELSE @Held END
            WHERE org_id = @Org AND id = @Id AND status = 'queued' AND stage = 'receiving' RETURNING id)
        UPDATE import_jobs SET bytes_received = @Held FROM job WHERE import_jobs.org_id = @Org AND import_jobs.id = job.id
        """;

    public static void Map(RouteGroupBuilder imports)
    {
        RouteGroupBuilder content = imports.MapGroup("/{id:guid}/content").RequireAuthorization(Policies.Operator, Policies.Scope("usage.write"));
        content.MapPut("/", PutAsync);
        content.MapMethods("/", [HttpMethods.Head], HeadAsync);
    }

    private static async Task<IResult> HeadAsync(Guid id, Caller caller, HttpResponse response, Database database, CancellationToken cancellation)
    {
        switch (await FindImport.FindAsync(database, caller, id, cancellation))
        {
            case ImportLookup.Found found:
                response.Headers[OffsetHeader] = Text(found.Job.BytesReceived);
                return TypedResults.NoContent();
            case ImportLookup.Refused refused:
                return refused.Problem;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static async Task<IResult> PutAsync(
        Guid id, Caller caller, HttpContext context, Database database, Spool spool, JobSignals signals, CancellationToken cancellation)
    {
        ImportLookup lookup = await FindImport.FindAsync(database, caller, id, cancellation);
        if (lookup is not ImportLookup.Found { Job: var job }) return ((ImportLookup.Refused)lookup).Problem;
        if (ReadOffset(context.Request) is not { } offset) return Problems.Invalid(OffsetHeader, "must be the number of bytes before the first one sent");
        if (Refuse(job, offset, context.Response) is { } refusal) return refusal;

        FileStream file;
        try
        {
            file = spool.OpenWrite(id);
        }
        catch (IOException)
        {
            return Problems.Conflict("Another request is sending this import's bytes.");
        }

        await using (file)
        {
            // Asked again now that nobody else can write: a request before this one may have moved the offset.
            lookup = await FindImport.FindAsync(database, caller, id, cancellation);
            if (lookup is not ImportLookup.Found { Job: var current }) return ((ImportLookup.Refused)lookup).Problem;
            return Refuse(current, offset, context.Response) is { } tooLate ? tooLate : await AppendAsync(current, file, context, database, signals, cancellation);
        }
    }

    private static ProblemHttpResult? Refuse(ImportJob job, long offset, HttpResponse response)
    {
        response.Headers[OffsetHeader] = Text(job.BytesReceived);
        if (job.FinishedAt is not null && job.BytesReceived < job.SizeBytes) return Problems.Conflict($"The import is over: {job.Status}.");
        if (job.Stage != ImportJob.Receiving) return Problems.Conflict("All bytes of the import have arrived.");
        return offset == job.BytesReceived ? null : Problems.Conflict($"The import holds {job.BytesReceived} bytes; continue from there.");
    }

    private static async Task<IResult> AppendAsync(
        ImportJob job, FileStream file, HttpContext context, Database database, JobSignals signals, CancellationToken cancellation)
    {
        if (file.Length < job.BytesReceived)
        {
            // The disk lost what it had promised to keep: start again rather than import a hole.
            await KeepAsync(0);
            context.Response.Headers[OffsetHeader] = Text(0);
            return Problems.Conflict("The bytes received so far are gone; send the file again.");
        }

        long remaining = job.SizeBytes - job.BytesReceived;
        if (context.Request.ContentLength > remaining) return Problems.Invalid("body", $"{remaining} bytes are missing, {context.Request.ContentLength} were sent");

        // The import's own size is the limit.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        await Spool.AppendAsync(file, job.BytesReceived, context.Request.Body, remaining, KeepAsync, cancellation);
        context.Response.Headers[OffsetHeader] = Text(file.Position);
        if (file.Position == job.SizeBytes) signals.Of(Job.Import).Set();
        return TypedResults.NoContent();

        async Task KeepAsync(long held)
        {
            // Also when the client is gone: it will ask what arrived.
            await using OrgTransaction transaction = await database.BeginAsync(job.OrgId, CancellationToken.None);
            await transaction.ExecuteAsync(KeepSql, new { Held = held, Org = job.OrgId, job.Id }, CancellationToken.None);
            await transaction.CommitAsync(CancellationToken.None);
        }
    }

    private static long? ReadOffset(HttpRequest request)
    {
        if (ContentRangeHeaderValue.TryParse(request.Headers.ContentRange.ToString(), out ContentRangeHeaderValue? range)) return range.From;
        return long.TryParse(request.Headers[OffsetHeader].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out long offset) ? offset : null;
    }

    private static string Text(long offset) => offset.ToString(CultureInfo.InvariantCulture);
}
