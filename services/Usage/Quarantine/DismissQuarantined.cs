using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.Quarantine;

/// <summary>POST /api/v1/quarantine/{id}/dismiss: puts a record aside for good, with the reason. A live record that comes again stays dismissed.</summary>
internal static class DismissQuarantined
{
    private const int ReasonLengthMax = 500;

    private const string Sql = """
        UPDATE quarantine SET state = 'dismissed', dismissed_because = @Reason, resolved_at = now(), resolved_by = @By
        WHERE org_id = @Org AND id = @Id AND state = 'open'
        """;

    public static void Map(RouteGroupBuilder quarantine) => quarantine.MapPost("/{id:guid}/dismiss", HandleAsync)
        .RequireAuthorization(Policies.Operator, Policies.Scope("usage.write")).RefusesOtherOrgs(QuarantinedRow.Owned);

    private static async Task<IResult> HandleAsync(Guid id, Request request, Caller caller, Database database, CancellationToken cancellation)
    {
        if (request.Reason?.Trim() is not { Length: > 0 and <= ReasonLengthMax } reason || SlurmName.HasControl(reason))
            return Problems.Invalid("reason", $"must say why, in 1 to {ReasonLengthMax} characters on one line");

        await using OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation);
        bool isDone = await transaction.ExecuteAsync(Sql, new { Org = caller.OrgId, Id = id, Reason = reason, By = caller.Username }, cancellation) == 1;
        if (await QuarantinedRow.FindAsync(transaction, id, cancellation) is not { } row) return Problems.NotFound("record in quarantine");
        if (!isDone) return Problems.Conflict($"The record is {row.State} already.");

        var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["reason"] = reason, ["code"] = row.Code, ["cluster"] = row.Cluster ?? "", ["source"] = row.Source };
        await transaction.AuditAsync(caller.Act("quarantine.dismissed", $"quarantine:{id}", details), cancellation);
        await transaction.CommitAsync(cancellation);
        return TypedResults.Ok(QuarantinedView.Of(row));
    }

    internal sealed record Request(string? Reason);
}
