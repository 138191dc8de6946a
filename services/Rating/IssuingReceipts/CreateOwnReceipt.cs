using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Rating.IssuingReceipts;

/// <summary>A user asks for his own receipt. Asking twice bills nothing twice: the second time nothing is left.</summary>
internal static class CreateOwnReceipt
{
    public static void Map(RouteGroupBuilder receipts) =>
        receipts.MapPost("", HandleAsync).RequireAuthorization(Policies.Scope("receipts.write"));

    private static async Task<IResult> HandleAsync(
        Request? request, Caller caller, Database database, IssueReceipt issue, SiteCalendar calendar, TimeProvider clock,
        CancellationToken cancellation)
    {
        var until = Microseconds.Truncate(clock.GetUtcNow());
        if (request?.Until is { } asked && !calendar.TryRead(asked, out until)) return Problems.Invalid("until", SiteCalendar.Grammar);

        await using var transaction = await database.BeginAsync(caller.OrgId, cancellation);
        var order = new IssueOrder(caller.Username, until, caller.Username, caller.IpAddress, ReceiptRunId: null);
        switch (await issue.IssueAsync(order, transaction, cancellation))
        {
            case IssueOutcome.NothingToBill:
                // What costs the same or has to wait is on record all the same.
                await transaction.CommitAsync(cancellation);
                return TypedResults.Ok(new { Status = "nothing_to_bill" });
            case IssueOutcome.Issued issued:
                await transaction.CommitAsync(cancellation);
                RatingMetrics.CountIssued(issued.Kind, issued.Adjustments);
                return TypedResults.Created(
                    $"/api/v1/receipts/{issued.Id}",
                    new
                    {
                        issued.Id, Kind = issued.Kind.Word(), issued.Number, Status = issued.TotalMinor == 0 ? "paid" : "issued", issued.Runs,
                        issued.Adjustments, issued.TotalMinor, issued.Currency,
                    });
            case var unknown:
                throw new InvalidOperationException($"No answer for {unknown}.");
        }
    }

    internal sealed record Request(string? Until);
}
