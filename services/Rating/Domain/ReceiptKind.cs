namespace HpcBilling.Rating.Domain;

/// <summary>What a document is: its total says it.</summary>
internal enum ReceiptKind
{
    /// <summary>Something is owed, or nothing.</summary>
    Receipt,

    /// <summary>Its adjustments take back more than the rest bills: money is to be given back, and none can be paid.</summary>
    CreditNote,
}

internal static class ReceiptKinds
{
    public static ReceiptKind Of(long totalMinor) => totalMinor < 0 ? ReceiptKind.CreditNote : ReceiptKind.Receipt;

    /// <summary>As the tables and the API write it.</summary>
    public static string Word(this ReceiptKind kind) => kind == ReceiptKind.CreditNote ? "credit_note" : "receipt";
}
