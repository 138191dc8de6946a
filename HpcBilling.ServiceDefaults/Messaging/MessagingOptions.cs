using System.ComponentModel.DataAnnotations;

namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Section <c>Messaging</c>.</summary>
public sealed class MessagingOptions
{
    public const string Section = "Messaging";

    /// <summary>Deliveries of one queue that may be in work at once.</summary>
    [Range(1, 1000)]
    public int PrefetchCount { get; set; } = 16;

    /// <summary>Consumers of one queue that may run at once.</summary>
    [Range(1, 100)]
    public int ConcurrencyMax { get; set; } = 4;

    /// <summary>Attempts after the first, before a message goes to the dead letter queue (<c>_error</c>).</summary>
    [Range(0, 100)]
    public int RetriesMax { get; set; } = 20;

    /// <summary>Longest pause between two attempts, seconds.</summary>
    [Range(1, 600)]
    public int RetryDelaySecondsMax { get; set; } = 15;

    /// <summary>Members that a quorum queue has, where the cluster has as many nodes.</summary>
    [Range(1, 9)]
    public int QuorumReplicas { get; set; } = 3;

    /// <summary>Outbox rows that one pass of the relay publishes.</summary>
    [Range(1, 1000)]
    public int OutboxBatchMax { get; set; } = 50;

    /// <summary>How long the relay waits for a notification before it looks by itself, seconds.</summary>
    [Range(1, 300)]
    public int OutboxPollSeconds { get; set; } = 5;

    /// <summary>Longest pause before a message that was not taken is tried again, seconds.</summary>
    [Range(1, 600)]
    public int OutboxRetrySecondsMax { get; set; } = 10;

    /// <summary>Longest that the relay waits for the broker's confirmation, seconds.</summary>
    [Range(1, 300)]
    public int PublishTimeoutSeconds { get; set; } = 30;

    /// <summary>Days that sent outbox rows and inbox claims are kept.</summary>
    [Range(1, 3650)]
    public int RetentionDays { get; set; } = 30;
}
