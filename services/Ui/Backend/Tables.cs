namespace HpcBilling.Ui.Backend;

/// <summary>Model of the partial <c>_Runs</c>.</summary>
/// <param name="Page">One page of runs.</param>
/// <param name="ReceiptsPath">Where receipt numbers lead to: <c>/me/receipts</c> or <c>/admin/receipts</c>.</param>
/// <param name="ShowsUser">Runs of several users.</param>
public sealed record RunsTable(CursorPage<UsageRun> Page, string ReceiptsPath, bool ShowsUser);

/// <summary>Model of the partial <c>_ReceiptList</c>.</summary>
/// <param name="Page">One page of receipts.</param>
/// <param name="ReceiptsPath">Where receipt numbers lead to: <c>/me/receipts</c> or <c>/admin/receipts</c>.</param>
/// <param name="ShowsUser">Receipts of several users.</param>
/// <param name="IsPaged">False on a page that shows only the newest.</param>
public sealed record ReceiptsTable(CursorPage<ReceiptSummary> Page, string ReceiptsPath, bool ShowsUser, bool IsPaged = true);
