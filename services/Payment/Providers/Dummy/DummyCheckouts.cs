using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Payment.Providers.Dummy;

/// <summary>A checkout as its hosted page shows it. Knowing the session is the right to see it.</summary>
internal sealed record DummyCheckout(string Session, string Description, long AmountMinor, string Currency, string ReturnPath, string? EventType);

/// <summary>An event to be sent.</summary>
internal sealed record DummyDelivery(string Session, string EventId, string EventType, long AmountMinor, string Currency, DateTimeOffset DecidedAt);

/// <summary>The dummy provider's own table: it is no tenant's, so its statements run as a worker.</summary>
internal sealed class DummyCheckouts(Database database, TimeProvider clock)
{
    private const int AttemptsMax = 30;

    private const string FindSql = """
        SELECT session, description, amount_minor, currency, return_path, event_type FROM dummy_checkouts WHERE session = @Session
        """;

    // The first decision stands.
    private const string DecideSql = """
        UPDATE dummy_checkouts SET event_id = @EventId, event_type = @EventType, decided_at = @At, next_attempt_at = @At
        WHERE session = @Session AND event_id IS NULL
        """;

    // A claimed event is due again after its pause: who dies while sending leaves it to the next attempt.
    private const string ClaimSql = """
        UPDATE dummy_checkouts SET attempts = attempts + 1,
               next_attempt_at = @At + interval '1 second' * least(power(2, least(attempts, 8))::int, 60)
        WHERE session = (
            SELECT session FROM dummy_checkouts
            WHERE event_id IS NOT NULL AND delivered_at IS NULL AND attempts < @AttemptsMax AND next_attempt_at <= @At
              AND (@Session::text IS NULL OR session = @Session)
            ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING session, event_id, event_type, amount_minor, currency, decided_at
        """;

    private const string DeliveredSql = "UPDATE dummy_checkouts SET delivered_at = @At WHERE session = @Session";

    public async Task<DummyCheckout?> FindAsync(string session, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        return await transaction.QuerySingleOrDefaultAsync<DummyCheckout>(FindSql, new { Session = session }, cancellation);
    }

    public async Task DecideAsync(string session, bool isPaid, CancellationToken cancellation)
    {
        DateTimeOffset at = Microseconds.Truncate(clock.GetUtcNow());
        string type = isPaid ? DummyEvent.Succeeded : DummyEvent.Failed;
        await ExecuteAsync(DecideSql, new { Session = session, EventId = "evt_" + Guid.CreateVersion7(at).ToString("N"), EventType = type, At = at }, cancellation);
    }

    /// <param name="session">The checkout whose event is wanted; null for whichever is due.</param>
    /// <param name="cancellation">Cancels the statement.</param>
    public async Task<DummyDelivery?> ClaimDeliveryAsync(string? session, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        DummyDelivery? delivery = await transaction.QuerySingleOrDefaultAsync<DummyDelivery>(
            ClaimSql, new { Session = session, At = clock.GetUtcNow(), AttemptsMax }, cancellation);
        await transaction.CommitAsync(cancellation);
        return delivery;
    }

    public Task MarkDeliveredAsync(string session, CancellationToken cancellation) =>
        ExecuteAsync(DeliveredSql, new { Session = session, At = clock.GetUtcNow() }, cancellation);

    private async Task ExecuteAsync(string sql, object args, CancellationToken cancellation)
    {
        await using OrgTransaction transaction = await database.BeginWorkerAsync(cancellation);
        await transaction.ExecuteAsync(sql, args, cancellation);
        await transaction.CommitAsync(cancellation);
    }
}
