using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>How far a receipt run is.</summary>
internal static class ReadReceiptRun
{
    private const string Sql = """
        SELECT id, status, until, users, users_done, receipts, credit_notes, runs, adjustments, total_minor, currency, error, requested_by,
            created_at, started_at, finished_at
        FROM receipt_runs WHERE org_id = @Org AND id = @Id
        """;

    private static readonly OrgOwned ReceiptRun = new("receipt run", "SELECT org_id FROM receipt_runs WHERE id = @Id");

    public static void Map(RouteGroupBuilder runs) => runs.MapGet("/{id:guid}", HandleAsync).RefusesOtherOrgs(ReceiptRun)
        .RequireAuthorization(Policies.Scope("receipts.read"));

    public static Task<ReceiptRunView?> FindAsync(Guid id, OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.QuerySingleOrDefaultAsync<ReceiptRunView>(Sql, new { Org = transaction.OrgId, Id = id }, cancellation);

    private static async Task<IResult> HandleAsync(Guid id, Caller caller, Database database, CancellationToken cancellation)
    {
        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        return await FindAsync(id, transaction, cancellation) is { } run ? TypedResults.Ok(run) : Problems.NotFound("receipt run");
    }
}

/// <remarks>Receipts: documents of both kinds. The total is that of all of them; it is below zero where more is taken back than billed.</remarks>
internal sealed record ReceiptRunView(
    Guid Id, string Status, DateTimeOffset Until, int Users, int UsersDone, int Receipts, int CreditNotes, long Runs, long Adjustments, long TotalMinor,
    string? Currency, string? Error, string RequestedBy, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt);
