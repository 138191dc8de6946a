namespace HpcBilling.ServiceDefaults.Messaging;

/// <summary>Wakes the relay after a notification.</summary>
internal sealed class OutboxSignal : WakeSignal;
