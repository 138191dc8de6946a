using System.Globalization;
using System.Text;
using HpcBilling.Audit.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Audit.ReadingEntries;

/// <summary><c>GET /api/v1/audit/export.csv</c>: the whole chain, streamed; <see cref="ChainCsv"/> says how to trust the file.</summary>
internal static class ExportChain
{
    private const int BufferChars = 32 * 1024;

    public static void Map(RouteGroupBuilder audit) => audit.MapGet("/export.csv", HandleAsync);

    private static async Task<IResult> HandleAsync(Caller caller, Database database, TimeProvider clock, CancellationToken cancellation)
    {
        // The export is an act like any other, and is on record before its first byte leaves.
        long length;
        await using (OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation))
        {
            length = await ChainPages.LengthAsync(transaction, cancellation);
            var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["upToSeq"] = length.ToString(CultureInfo.InvariantCulture) };
            await transaction.AuditAsync(caller.Act("audit.exported", "audit:chain", details), cancellation);
            await transaction.CommitAsync(cancellation);
        }

        return TypedResults.Stream(
            body => WriteAsync(body, database, caller.OrgId, length, cancellation),
            "text/csv; charset=utf-8",
            $"audit-{clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}.csv");
    }

    private static async Task WriteAsync(Stream body, Database database, Guid orgId, long length, CancellationToken cancellation)
    {
        await using var file = new StreamWriter(body, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), BufferChars, leaveOpen: true);
        using var row = new StringWriter(CultureInfo.InvariantCulture); // the response takes no synchronous writes
        ChainCsv.WriteHeader(row);
        await foreach (SealedEntry entry in ChainPages.ReadAsync(database, orgId, length, cancellation))
        {
            ChainCsv.Write(row, entry);
            if (row.GetStringBuilder().Length < BufferChars) continue;
            await file.WriteAsync(row.GetStringBuilder(), cancellation);
            row.GetStringBuilder().Clear();
        }

        await file.WriteAsync(row.GetStringBuilder(), cancellation);
    }
}
