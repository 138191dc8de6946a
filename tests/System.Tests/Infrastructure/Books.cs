namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>What the books say of some users.</summary>
/// <param name="Runs">Runs that rating holds.</param>
/// <param name="Priced">Of these, finished and with a price: what can be billed.</param>
/// <param name="Billed">Of these, on a receipt.</param>
/// <param name="CoreSeconds">Core-seconds of all runs.</param>
/// <param name="AmountMinor">Price of all runs, minor units.</param>
/// <param name="Receipts">Receipts issued.</param>
/// <param name="ReceiptTotalMinor">Their totals.</param>
/// <param name="ItemTotalMinor">The amounts of their lines.</param>
public sealed record Books(long Runs, long Priced, long Billed, long CoreSeconds, long AmountMinor, long Receipts, long ReceiptTotalMinor, long ItemTotalMinor);
