using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using HpcBilling.Admin.Uploads;
using HpcBilling.ServiceDefaults.Http;
using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>Accounting logs on their way into the usage service: announced, then sent in one request, as the bytes come.</summary>
public sealed class Imports(ServiceApi api, IHttpClientFactory clients, ILogger<Imports> log)
{
    private const string Service = "usage";
    private const string Path = "/api/v1/imports";
    private const string OffsetHeader = "Upload-Offset";

    // A browser that sends a form a second time drops the first one; the service needs a moment to notice.
    private const int TriesMax = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>The same key and file are one import, however often they are sent.</summary>
    public Task<Answer<AnnouncedImport>> AnnounceAsync(ImportWish wish, Guid key, CancellationToken ct) =>
        api.PostOnceAsync<AnnouncedImport>(Service, Path, wish, key, ct);

    public async Task<UploadOutcome> SendAsync(AnnouncedImport import, FilePart file, CancellationToken ct)
    {
        long held = import.BytesReceived;
        try
        {
            for (int attempt = 1; attempt <= TriesMax && held < import.SizeBytes; attempt++)
            {
                if (held < file.Position) return new UploadOutcome.Broken();
                await file.SkipToAsync(held, ct);
                using HttpResponseMessage response = await PutAsync(import.Id, file, ct);
                if (response.IsSuccessStatusCode) return new UploadOutcome.Complete();
                if (response.StatusCode != HttpStatusCode.Conflict || OffsetIn(response) is not { } now) return Broken(import, $"status {(int)response.StatusCode}");
                if (now == held) await Task.Delay(Pause, ct);
                held = now;
            }
        }
        catch (Exception failure) when (failure is HttpRequestException or InvalidDataException or IOException)
        {
            return Broken(import, failure.Message);
        }

        return held < import.SizeBytes ? new UploadOutcome.Elsewhere() : new UploadOutcome.Complete();
    }

    private async Task<HttpResponseMessage> PutAsync(Guid id, FilePart file, CancellationToken ct)
    {
        using HttpClient client = clients.CreateClient(Service + ServiceClients.PatientSuffix);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{id}/content") { Content = file.Rest() };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        request.Headers.Add(OffsetHeader, file.Position.ToString(CultureInfo.InvariantCulture));
        request.Headers.ExpectContinue = true; // a refusal costs no bytes, which could not be sent again
        return await client.SendAsync(request, ct);
    }

    private static long? OffsetIn(HttpResponseMessage response) =>
        response.Headers.TryGetValues(OffsetHeader, out IEnumerable<string>? values)
            && long.TryParse(values.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out long offset)
            ? offset
            : null;

    private UploadOutcome.Broken Broken(AnnouncedImport import, string reason)
    {
        log.LogWarning("The file of import {Import} did not get through: {Reason}", import.Id, reason);
        return new UploadOutcome.Broken();
    }
}

/// <summary>What is to be imported; without fields the first line of the file names them.</summary>
public sealed record ImportWish(string FileName, long SizeBytes, string? Fields, string? Cluster)
{
    public string Format => "sacct";
}

/// <summary>An import and how much of its file the service holds.</summary>
public sealed record AnnouncedImport(Guid Id, long SizeBytes, long BytesReceived);

/// <summary>How sending a file ended.</summary>
public abstract record UploadOutcome
{
    private UploadOutcome()
    {
    }

    public sealed record Complete : UploadOutcome;

    /// <summary>Another request is sending the same file.</summary>
    public sealed record Elsewhere : UploadOutcome;

    /// <summary>A part may be there; sent again, the file goes on from it.</summary>
    public sealed record Broken : UploadOutcome;
}
