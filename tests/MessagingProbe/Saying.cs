using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.MessagingProbe;

/// <summary>Says messages in one transaction that commits or, when asked, does not.</summary>
internal static class Saying
{
    public static void Map(WebApplication app) => app.MapPost("/say", HandleAsync).AllowAnonymous();

    private static async Task<IResult> HandleAsync(
        int count, bool? rollback, string? provider, Database database, TimeProvider clock, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginAsync(Orgs.Default, cancellation);
        for (int i = 0; i < count; i++)
        {
            var message = new PaymentSettled(Orgs.Default, Guid.CreateVersion7(), Guid.CreateVersion7(), provider ?? "probe", i, "EUR", clock.GetUtcNow());
            await transaction.EnqueueAsync(message, cancellation);
        }

        if (rollback != true) await transaction.CommitAsync(cancellation);
        return Results.NoContent();
    }
}
