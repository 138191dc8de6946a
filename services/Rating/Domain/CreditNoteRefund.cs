namespace HpcBilling.Rating.Domain;

/// <summary>What follows from somebody's word that a credit note was paid back.</summary>
internal abstract record RefundOutcome
{
    private RefundOutcome()
    {
    }

    internal sealed record Refunded : RefundOutcome;

    /// <summary>The same was said before; nothing happens a second time.</summary>
    internal sealed record AlreadyRefunded : RefundOutcome;

    /// <summary>Refused: it was paid back before, in another way.</summary>
    internal sealed record RefundedOtherwise : RefundOutcome;

    /// <summary>Refused: nothing is to be given back for a receipt.</summary>
    internal sealed record NotACreditNote : RefundOutcome;

    /// <param name="kind">Of the document.</param>
    /// <param name="status">Where it stands.</param>
    /// <param name="known">What was said when it was paid back; null before.</param>
    /// <param name="note">What is said now.</param>
    public static RefundOutcome Decide(ReceiptKind kind, ReceiptStatus status, string? known, string note) => (kind, status) switch
    {
        (not ReceiptKind.CreditNote, _) => new NotACreditNote(),
        (_, ReceiptStatus.Issued) => new Refunded(),
        (_, ReceiptStatus.Refunded) when string.Equals(known, note, StringComparison.Ordinal) => new AlreadyRefunded(),
        (_, ReceiptStatus.Refunded) => new RefundedOtherwise(),
        _ => throw new InvalidOperationException($"A credit note cannot be {status}."),
    };
}
