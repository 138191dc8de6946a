using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>The effect of one message. Called inside the transaction that also claims the message in the inbox.</summary>
/// <remarks>Messages arrive at least once and in any order; a message may be published again under another id, so effects are idempotent
/// on their business key too. An exception rolls everything back, and the message is tried again.</remarks>
public interface IConsume<in T>
    where T : class
{
    Task ConsumeAsync(T message, OrgTransaction transaction, CancellationToken cancellation);
}

/// <summary>Builds the body of an outbox row that was enqueued by reference, when the relay publishes it.</summary>
public interface IMessageSource<T>
    where T : class
{
    /// <returns>The message, or null when there is nothing left to say.</returns>
    Task<T?> BuildAsync(string reference, OrgTransaction transaction, CancellationToken cancellation);
}
