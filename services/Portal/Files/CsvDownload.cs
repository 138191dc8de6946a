using System.Globalization;
using System.Text;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Ui.Backend;

namespace HpcBilling.Portal.Files;

/// <summary>A CSV file that is sent while it is read.</summary>
internal static class CsvDownload
{
    public static IResult Of(string fileName, IAsyncEnumerable<string> rows) =>
        TypedResults.Stream(body => WriteAsync(body, rows), "text/csv; charset=utf-8", fileName);

    /// <summary>Nothing has been sent yet, so that the reason can still be told.</summary>
    public static IResult NotToBeHad(IAnswer answer) => answer switch
    {
        { IsMissing: true } => Problems.NotFound("file"),
        { Refusal: { } refusal } => TypedResults.Problem(refusal.Detail, statusCode: refusal.Status),
        _ => TypedResults.Problem(statusCode: StatusCodes.Status503ServiceUnavailable),
    };

    /// <summary>The next page of a file that is half sent: without it the connection is cut, since a short file would look whole.</summary>
    public static T Rest<T>(Answer<T> answer)
        where T : class => answer.ValueOrNull ?? throw new HttpRequestException("A later page of the file could not be read.");

    public static string? Instant(DateTimeOffset? instant) =>
        instant?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static async Task WriteAsync(Stream body, IAsyncEnumerable<string> rows)
    {
        await using var writer = new StreamWriter(body, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
        await foreach (string row in rows) await writer.WriteAsync(row);
    }
}
