using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>The effect of many messages of one org at once, for consumers whose work is cheap and whose commit is not.</summary>
/// <remarks>As <see cref="IConsume{T}"/>: called inside the transaction that also claims the messages in the inbox; at least once, in any order.</remarks>
public interface IConsumeBatch<in T>
    where T : class
{
    /// <param name="messages">Never empty; none of them was claimed before.</param>
    /// <param name="transaction">The org's transaction.</param>
    /// <param name="cancellation">Cancels the work.</param>
    Task ConsumeAsync(IReadOnlyList<T> messages, OrgTransaction transaction, CancellationToken cancellation);
}
