namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>The moments at which a crash matters; tests stop the process there, the product does nothing.</summary>
public class RelayObserver
{
    /// <summary>The outbox row is locked, the message not yet published.</summary>
    public virtual ValueTask PublishingAsync(object message, CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>The broker has confirmed the message, the row is not yet marked.</summary>
    public virtual ValueTask PublishedAsync(object message, CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>The effect is written, the transaction not yet committed.</summary>
    public virtual ValueTask ConsumedAsync(object message, CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>The effect is committed, the message not yet acknowledged.</summary>
    public virtual ValueTask CommittedAsync(object message, CancellationToken cancellation) => ValueTask.CompletedTask;
}
