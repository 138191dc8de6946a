using HpcBilling.Admin.Clients;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Quarantine;

/// <summary>Records that are no run: have them read again after a fix, or put them aside with a reason.</summary>
public sealed class IndexModel(QuarantineRecords quarantine) : PageModel
{
    public const string Address = "/admin/quarantine";
    public const string AnyState = "any";
    private const string OpenState = "open";

    // 500 records each; what is left goes on with the next click.
    private const int RoundsMax = 10;

    [BindProperty(SupportsGet = true)] public string? State { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cluster { get; set; }
    [BindProperty(SupportsGet = true)] public string? Code { get; set; }
    [BindProperty(SupportsGet = true)] public string? Source { get; set; }
    [BindProperty(SupportsGet = true)] public Guid? Import { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }
    [BindProperty] public Guid Id { get; set; }
    [BindProperty] public string? Reason { get; set; }
    [BindProperty] public string? After { get; set; }

    public Answer<CursorPage<QuarantinedRecord>> List { get; private set; } = null!;
    public Answer<QuarantineCounts> Counts { get; private set; } = null!;
    public IAnswer? Failure { get; private set; }
    public string? Message { get; private set; }
    public bool IsRefused { get; private set; }

    /// <summary>Where reading all again goes on, when it was more than is done at once.</summary>
    public string? GoOn { get; private set; }

    /// <summary>What is open can be read again as it is filtered here; not by its source, which the service does not know how to do.</summary>
    public bool CanRetryAll => State is OpenState && string.IsNullOrEmpty(Source) && List.ValueOrNull?.Items.Any(record => record.Retryable) == true;

    /// <summary>Address of a form, so that the answer shows the same part of the list.</summary>
    public string Form(string handler) =>
        new Query { ["handler"] = handler, ["state"] = State, ["cluster"] = Cluster, ["code"] = Code, ["source"] = Source, ["import"] = Import, ["cursor"] = Cursor }.On(Address);

    /// <summary>Address of the part of the list that a count stands for.</summary>
    public static string Part(QuarantineCount count) => new Query { ["state"] = count.State, ["cluster"] = count.Cluster, ["code"] = count.Code }.On(Address);

    public Task<IActionResult> OnGetAsync(CancellationToken ct) => ShowAsync(ct);

    public async Task<IActionResult> OnPostRetryAsync(CancellationToken ct)
    {
        Answer<RetriedRecord> answer = await quarantine.RetryAsync(Id, ct);
        if (answer.ValueOrNull is { } retried)
        {
            IsRefused = retried.Outcome == "refused";
            Message = IsRefused ? Words.RecordStillRefused.With(retried.Record.Reason) : retried.Outcome == "stored" ? Words.RecordStored : Words.RecordKnown;
        }
        else
        {
            Failure = answer;
        }

        return await ShowAsync(ct);
    }

    public async Task<IActionResult> OnPostRetryAllAsync(CancellationToken ct)
    {
        (long stored, long known, long refused, int rounds) = (0, 0, 0, 0);
        GoOn = After;
        do
        {
            Answer<RetriedRecords> answer = await quarantine.RetryAllAsync(Which, GoOn, ct);
            if (answer.ValueOrNull is not { } some)
            {
                Failure = answer;
                break;
            }

            (stored, known, refused, GoOn) = (stored + some.Stored, known + some.Known, refused + some.Refused, some.NextCursor);
        }
        while (GoOn is not null && ++rounds < RoundsMax);

        Message = Words.RecordsRetried.With(Amounts.Count(stored), Amounts.Count(known), Amounts.Count(refused));
        return await ShowAsync(ct);
    }

    public async Task<IActionResult> OnPostDismissAsync(CancellationToken ct)
    {
        Answer<QuarantinedRecord> answer = await quarantine.DismissAsync(Id, Reason, ct);
        if (answer.ValueOrNull is null) Failure = answer;
        else Message = Words.RecordDismissed;
        return await ShowAsync(ct);
    }

    private QuarantineFilter Which => new(Cluster?.Trim(), Code?.Trim(), Import);

    private async Task<IActionResult> ShowAsync(CancellationToken ct)
    {
        State ??= OpenState;
        Task<Answer<QuarantineCounts>> counts = quarantine.CountAsync(ct);
        List = await quarantine.ListAsync(Which, State == AnyState ? null : State, Source?.Trim(), Cursor, ct);
        Counts = await counts;
        return List.ErrorPage() ?? Page();
    }
}
