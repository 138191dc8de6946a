using System.Globalization;

namespace HpcBilling.Rating.Domain;

/// <summary>An exact amount: whole minor units of one currency.</summary>
internal readonly record struct Money(long Minor, Currency Currency)
{
    public static Money Zero(Currency currency) => new(0, currency);

    /// <exception cref="InvalidOperationException">The currencies differ: there is no exchange rate here.</exception>
    /// <exception cref="OverflowException">The sum does not fit in 64 bits of minor units.</exception>
    public static Money operator +(Money left, Money right) => left.Currency == right.Currency
        ? new Money(checked(left.Minor + right.Minor), left.Currency)
        : throw new InvalidOperationException($"{left.Currency} and {right.Currency} cannot be added.");

    /// <summary>For people and logs: <c>12.34 THB</c>.</summary>
    public override string ToString() =>
        ((decimal)Minor / Currency.MinorPerMajor).ToString("F" + Currency.Exponent, CultureInfo.InvariantCulture) + " " + Currency.Code;
}
