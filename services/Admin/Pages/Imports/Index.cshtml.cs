using System.Diagnostics;
using HpcBilling.Admin.Clients;
using HpcBilling.Admin.Uploads;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.Extensions.Options;

namespace HpcBilling.Admin.Pages.Imports;

/// <summary>An accounting log is chosen in the browser and goes straight through to the usage service; its job then shows how it gets on.</summary>
[StreamedForm]
public sealed class IndexModel(Clients.Imports imports, Clients.Jobs jobs, IOptions<AdminOptions> options) : PageModel
{
    private const int NewestShown = 6;
    private const long BytesPerMib = 1 << 20;

    /// <summary>One import of this form: sent twice, it is imported once.</summary>
    public Guid Key { get; private set; } = Guid.CreateVersion7();
    public string? Cluster { get; private set; }
    public string? Fields { get; private set; }
    public string? LogFile { get; private set; }

    public Answer<CursorPage<Job>> Newest { get; private set; } = null!;
    public IAnswer? Failure { get; private set; }
    public string? Message { get; private set; }
    public string SizeMax => Mib(options.Value.UploadBytesMax);

    public Task OnGetAsync(CancellationToken ct) => LoadAsync(ct);

    public async Task<IActionResult> OnPostAsync(CancellationToken ct)
    {
        StreamedForm? form = HttpContext.Features.Get<StreamedForm>();
        try
        {
            if (form is not null) await form.ReadTextsAsync(ct);
        }
        catch (Exception fault) when (fault is InvalidDataException or IOException)
        {
            return BadRequest();
        }

        Take(form);
        if (await ImportAsync(form?.File, ct) is { } job) return Redirect($"/admin/jobs/{job}");
        if (form is not null) await form.DrainAsync(ct);
        await LoadAsync(ct);
        return Page();
    }

    // The form's fields by hand, since binding would read the file as well.
    private void Take(StreamedForm? form)
    {
        Cluster = form?.Text(nameof(Cluster))?.Trim();
        Fields = form?.Text(nameof(Fields))?.Trim();
        if (Guid.TryParse(form?.Text(nameof(Key)), out Guid key)) Key = key;
        ModelState.SetModelValue(nameof(Cluster), Cluster, Cluster);
        ModelState.SetModelValue(nameof(Fields), Fields, Fields);
        ModelState.SetModelValue(nameof(LogFile), rawValue: null, attemptedValue: null);
    }

    /// <returns>The job; null when there is something to say instead.</returns>
    private async Task<Guid?> ImportAsync(FilePart? file, CancellationToken ct)
    {
        if (file is not { Name.Length: > 0, Length: { } length and >= 0 }) return Blame(Words.ChooseFile);
        if (length > options.Value.UploadBytesMax)
        {
            Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return Blame(Words.FileTooLarge.With(Mib(length), SizeMax));
        }

        Answer<AnnouncedImport> answer = await imports.AnnounceAsync(new ImportWish(file.Name, length, Fields, Cluster), Key, ct);
        if (answer.ValueOrNull is not { } import) return Refuse(answer);
        switch (await imports.SendAsync(import, file, ct))
        {
            case UploadOutcome.Complete or UploadOutcome.Elsewhere:
                return import.Id;
            case UploadOutcome.Broken when file.IsNotAsAnnounced:
                await jobs.CancelAsync(import.Id, ct);
                return Blame(Words.FileNotAsAnnounced);
            case UploadOutcome.Broken:
                Message = Words.UploadBroken;
                return null;
            default:
                throw new UnreachableException();
        }
    }

    private Guid? Refuse(Answer<AnnouncedImport> answer)
    {
        if (answer is Answer<AnnouncedImport>.Refused { Reason.Status: StatusCodes.Status409Conflict })
        {
            // The form had been sent with another file before.
            Key = Guid.CreateVersion7();
            Message = Words.UploadFormUsed;
        }
        else if (!ModelState.TakeFieldErrors(answer, field => field is "sizeBytes" or "fileName" ? nameof(LogFile) : field))
        {
            Failure = answer;
        }

        return null;
    }

    private Guid? Blame(string reason)
    {
        ModelState.AddModelError(nameof(LogFile), reason);
        return null;
    }

    private async Task LoadAsync(CancellationToken ct)
    {
        Newest = await jobs.ListAsync("import", status: null, cursor: null, ct);
        if (Newest.ValueOrNull is { } page) Newest = new Answer<CursorPage<Job>>.Got(new CursorPage<Job>([.. page.Items.Take(NewestShown)], NextCursor: null));
    }

    // Rounded up, so that what is too large never looks as if it were not.
    private static string Mib(long bytes) => Amounts.Count((bytes / BytesPerMib) + (bytes % BytesPerMib > 0 ? 1 : 0));
}
