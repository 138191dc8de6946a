using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace HpcBilling.Admin.Uploads;

/// <summary>
/// A form with a file, read part by part as it comes, so that the file lies neither in memory nor on a disk here. Its texts stand before the file, which is the last part.
/// </summary>
internal sealed class StreamedForm : IDisposable
{
    private const int BoundaryMax = 70;
    private const int PartsMax = 16;
    private const int TextBytesMax = 4096;
    private const int DrainBytes = 64 * 1024;
    private static readonly TimeSpan DrainTimeMax = TimeSpan.FromMinutes(2);

    // What follows the last part: line end, two dashes, boundary, two dashes, line end.
    private const int ClosingBytes = 8;

    private readonly MultipartReader reader;
    private readonly CountedBody body;
    private readonly long? fileEnd;
    private readonly Dictionary<string, string> texts = new(StringComparer.OrdinalIgnoreCase);
    private int parts;

    private StreamedForm(HttpRequest request, string boundary)
    {
        body = new CountedBody(request.Body);
        reader = new MultipartReader(boundary, body);
        fileEnd = request.ContentLength - boundary.Length - ClosingBytes;
    }

    /// <summary>The file, once the texts before it have been read.</summary>
    public FilePart? File { get; private set; }

    /// <returns>Null when the body is another kind of form, or none.</returns>
    public static StreamedForm? Open(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)) return null;
        if (!type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)) return null;
        string? boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        return boundary is { Length: > 0 and <= BoundaryMax } ? new StreamedForm(request, boundary) : null;
    }

    /// <summary>A text of the parts that were read; null when it is empty or missing.</summary>
    public string? Text(string name) => texts.GetValueOrDefault(name) is { Length: > 0 } text ? text : null;

    /// <summary>Reads the texts up to the file, or to the end of a form that has none.</summary>
    /// <exception cref="InvalidDataException">It is no form.</exception>
    public async Task ReadTextsAsync(CancellationToken ct)
    {
        while (await ReadTextAsync(ct) is not null)
        {
            // Each is kept.
        }
    }

    /// <summary>Reads the next text.</summary>
    /// <returns>Its name; null when the file has come, or the end.</returns>
    /// <exception cref="InvalidDataException">It is no form.</exception>
    public async Task<string?> ReadTextAsync(CancellationToken ct)
    {
        if (File is not null) return null;
        if (++parts > PartsMax) throw new InvalidDataException($"The form has more than {PartsMax.ToString(CultureInfo.InvariantCulture)} parts.");
        MultipartSection? section = await reader.ReadNextSectionAsync(ct);
        if (section?.GetContentDispositionHeader() is not { } disposition) return null;
        if (disposition.FileName.HasValue || disposition.FileNameStar.HasValue)
        {
            string? name = HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).Value;
            File = new FilePart(name ?? "", fileEnd - section.BaseStreamOffset, section.Body);
            return null;
        }

        string field = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
        texts[field] = await TextAsync(section.Body, ct);
        return field;
    }

    /// <summary>
    /// Reads what is left and forgets it: whoever sends hears the answer only when all is sent. For a while; a client that is slower is cut off.
    /// </summary>
    public async Task DrainAsync(CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(DrainTimeMax);
        byte[] buffer = new byte[DrainBytes];
        try
        {
            while (await body.ReadAsync(buffer, patience.Token) > 0)
            {
                // Nobody wants it.
            }
        }
        catch (Exception end) when (end is OperationCanceledException or IOException)
        {
            // Nobody is there to hear the answer.
        }
    }

    public void Dispose() => body.Dispose();

    private static async Task<string> TextAsync(Stream part, CancellationToken ct)
    {
        byte[] bytes = new byte[TextBytesMax + 1];
        int length = await part.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct);
        if (length > TextBytesMax) throw new InvalidDataException($"A field of the form has more than {TextBytesMax.ToString(CultureInfo.InvariantCulture)} bytes.");
        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
