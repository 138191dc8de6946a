namespace HpcBilling.Payment.Domain;

/// <summary>Where an attempt to pay stands. It moves along <c>pending → failed → succeeded | duplicate</c>, may skip, and never goes back.</summary>
internal enum PaymentStatus
{
    /// <summary>The checkout was opened; the provider has not spoken yet.</summary>
    Pending,

    /// <summary>The provider declined; a later success on the same checkout still counts, since money has moved then.</summary>
    Failed,

    /// <summary>The money is here and has settled the payable.</summary>
    Succeeded,

    /// <summary>The money is here, but the payable was settled already: it has to be given back.</summary>
    Duplicate,
}

/// <summary>Whether a receipt's amount is still owed.</summary>
internal enum PayableStatus
{
    Open,
    Settled,
}

/// <summary>What a provider can report about a checkout.</summary>
internal enum ProviderEventKind
{
    Succeeded,
    Failed,

    /// <summary>Anything else that a provider sends; kept on record, changes nothing.</summary>
    Other,
}

/// <summary>What the platform expects to be paid.</summary>
/// <param name="Minor">Minor units of <paramref name="Currency"/>.</param>
/// <param name="Currency">ISO 4217 code.</param>
internal readonly record struct Amount(long Minor, string Currency);

/// <summary>What follows from a provider's event.</summary>
internal abstract record WebhookDecision
{
    private WebhookDecision() { }

    /// <summary>The payment succeeds and settles its payable, together.</summary>
    internal sealed record Settle : WebhookDecision;

    /// <summary>The payment succeeds, but another one has settled the payable before: refund it.</summary>
    internal sealed record Refund : WebhookDecision;

    /// <summary>The payment failed; the payable stays open.</summary>
    internal sealed record Fail : WebhookDecision;

    /// <summary>Amount or currency is not what was agreed: nothing may move, somebody must look.</summary>
    internal sealed record Mismatch(Amount Expected, Amount Reported) : WebhookDecision;

    /// <summary>Nothing to do, and why.</summary>
    internal sealed record NoChange(string Reason) : WebhookDecision;
}

/// <summary>Decides what a provider's event does. The order in which events arrive makes no difference to where a payment ends.</summary>
/// <remarks>Source: docs/adr/0006-payments.md.</remarks>
internal static class PaymentState
{
    public static WebhookDecision Decide(
        PaymentStatus payment, PayableStatus payable, Amount expected, ProviderEventKind kind, Amount reported)
    {
        if (kind == ProviderEventKind.Other) return new WebhookDecision.NoChange("an event of this type changes nothing");
        if (reported != expected) return new WebhookDecision.Mismatch(expected, reported);
        return (kind, payment) switch
        {
            (_, PaymentStatus.Succeeded or PaymentStatus.Duplicate) => new WebhookDecision.NoChange("the payment has succeeded before"),
            (ProviderEventKind.Succeeded, _) when payable == PayableStatus.Settled => new WebhookDecision.Refund(),
            (ProviderEventKind.Succeeded, _) => new WebhookDecision.Settle(),
            (_, PaymentStatus.Failed) => new WebhookDecision.NoChange("the payment has failed before"),
            _ => new WebhookDecision.Fail(),
        };
    }

    /// <summary>Where the payment stands after the decision.</summary>
    public static PaymentStatus After(PaymentStatus payment, WebhookDecision decision) => decision switch
    {
        WebhookDecision.Settle => PaymentStatus.Succeeded,
        WebhookDecision.Refund => PaymentStatus.Duplicate,
        WebhookDecision.Fail => PaymentStatus.Failed,
        _ => payment,
    };
}
