using System.Globalization;

namespace HpcBilling.Rating.Domain;

/// <summary>The number people quote: <c>R-2026-000001</c>, of a credit note <c>C-2026-000001</c>; each counts without a gap within an org and a year of the site.</summary>
internal static class ReceiptNumber
{
    public static string Of(ReceiptKind kind, int year, long sequence) =>
        string.Create(CultureInfo.InvariantCulture, $"{(kind == ReceiptKind.CreditNote ? 'C' : 'R')}-{year:0000}-{sequence:000000}");
}
