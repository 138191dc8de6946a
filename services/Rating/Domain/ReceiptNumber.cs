using System.Globalization;

namespace HpcBilling.Rating.Domain;

/// <summary>The number people quote: <c>R-2026-000001</c>, counting without a gap within an org and a year of the site.</summary>
internal static class ReceiptNumber
{
    public static string Of(int year, long sequence) => string.Create(CultureInfo.InvariantCulture, $"R-{year:0000}-{sequence:000000}");
}
