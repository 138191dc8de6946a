using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>Queues the job that issues everybody's receipts.</summary>
internal static class RequestReceiptRun
{
    private const int KeyLengthMax = 200;

    private const string InsertSql = """
        INSERT INTO receipt_runs (org_id, id, idempotency_key, request_hash, until, requested_by, ip_address, not_before, created_at)
        VALUES (@Org, @Id, @Key, @Hash, @Until, @By, @IpAddress, @Now, @Now)
        ON CONFLICT (org_id, idempotency_key) DO NOTHING
        """;

    private const string KnownSql = "SELECT id, request_hash FROM receipt_runs WHERE org_id = @Org AND idempotency_key = @Key";

    public static void Map(RouteGroupBuilder runs) =>
        runs.MapPost("", HandleAsync).RequireAuthorization(Policies.Scope("receipts.write"));

    private static async Task<IResult> HandleAsync(
        Request? request, HttpContext http, Caller caller, Database database, SiteCalendar calendar, TimeProvider clock,
        CancellationToken cancellation)
    {
        var now = Microseconds.Truncate(clock.GetUtcNow());
        var until = now;
        if (request?.Until is { } asked && !calendar.TryRead(asked, out until)) return Problems.Invalid("until", SiteCalendar.Grammar);
        string? key = http.Request.Headers["Idempotency-Key"];
        if (key is { Length: 0 or > KeyLengthMax })
            return Problems.Invalid("Idempotency-Key", $"must have between 1 and {KeyLengthMax} characters");

        // What was asked, not what it meant: "until now" sent again is the same request, a moment later.
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(request?.Until ?? "now")));
        var id = Guid.CreateVersion7(now);
        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var row = new { Org = caller.OrgId, Id = id, Key = key, Hash = hash, Until = until, By = caller.Username, caller.IpAddress, Now = now };
        if (await transaction.ExecuteAsync(InsertSql, row, cancellation) == 0)
        {
            var (knownId, knownHash) = await transaction.QuerySingleOrDefaultAsync<(Guid, string)>(KnownSql, row, cancellation);
            if (knownHash != hash) return Problems.Conflict("This Idempotency-Key came with another request before.");
            id = knownId;
        }
        else
        {
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["until"] = until.ToString("O", CultureInfo.InvariantCulture) };
            await transaction.AuditAsync(caller.Act("receipt_run.requested", $"receipt-run:{id}", details), cancellation);
        }

        var view = await ReadReceiptRun.FindAsync(id, transaction, cancellation);
        await transaction.CommitAsync(cancellation);
        return TypedResults.Accepted($"/api/v1/receipt-runs/{id}", view);
    }

    internal sealed record Request(string? Until);
}
