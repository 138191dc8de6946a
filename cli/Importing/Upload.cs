using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using HpcBilling.Cli.Gateway;

namespace HpcBilling.Cli.Importing;

/// <summary>Sends a file in pieces. What the service holds already, it says itself, so that an interruption costs one piece.</summary>
internal sealed class Upload(GatewayClient gateway, Guid importId, FileStream source)
{
    private const int PieceBytesMax = 8 * 1024 * 1024;
    private const string OffsetHeader = "Upload-Offset";

    // Answers that brought nothing forward: a broken connection's request may hold the upload until the service notices.
    private const int StallsMax = 20;
    private static readonly TimeSpan StallPause = TimeSpan.FromMilliseconds(250);
    private readonly long size = source.Length;
    private readonly byte[] piece = new byte[Math.Min(PieceBytesMax, source.Length)];
    private readonly string path = $"api/v1/imports/{importId}/content";

    /// <param name="held">Bytes that the service holds at the start.</param>
    /// <param name="report">Told the bytes held so far.</param>
    /// <param name="cancellationToken">Stops between and within pieces.</param>
    /// <exception cref="CommandFailedException">The service refuses the content, or is away for too long.</exception>
    public async Task SendAsync(long held, Action<long> report, CancellationToken cancellationToken)
    {
        var stalls = 0;
        report(held);
        while (held < size)
        {
            long before = held;
            held = await SendPieceAsync(held, cancellationToken);
            report(held);
            if (held > before)
            {
                stalls = 0;
                continue;
            }

            if (++stalls > StallsMax) throw new CommandFailedException(ExitCode.Failed, $"the upload is stuck at byte {held} of {size}");
            await Task.Delay(stalls * StallPause, cancellationToken);
        }
    }

    /// <returns>The bytes that the service holds afterwards.</returns>
    private async Task<long> SendPieceAsync(long offset, CancellationToken cancellationToken)
    {
        var isRepeat = false;
        using HttpResponseMessage response = await gateway.PersistAsync(
            async ct =>
            {
                // After a failure nobody knows how much arrived: ask before sending it twice.
                if (isRepeat)
                {
                    HttpResponseMessage state = await gateway.TryOnceAsync(new HttpRequestMessage(HttpMethod.Head, path), ct);
                    if (OffsetIn(state) != offset) return state;
                    state.Dispose();
                }

                isRepeat = true;
                return await gateway.TryOnceAsync(await NextPieceAsync(offset, ct), ct);
            },
            cancellationToken);
        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.Conflict)
        {
            if (OffsetIn(response) is { } held && held >= 0 && held <= size) return held;
        }

        throw await Problem.ReadAsync(response, cancellationToken);
    }

    private async Task<HttpRequestMessage> NextPieceAsync(long offset, CancellationToken cancellationToken)
    {
        source.Position = offset;
        var length = (int)Math.Min(piece.Length, size - offset);
        try
        {
            await source.ReadExactlyAsync(piece.AsMemory(0, length), cancellationToken);
        }
        catch (EndOfStreamException)
        {
            throw new CommandFailedException(ExitCode.Failed, $"{Path.GetFileName(source.Name)} became shorter while it was read");
        }

        var content = new ByteArrayContent(piece, 0, length);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = content };
        request.Headers.Add(OffsetHeader, offset.ToString(CultureInfo.InvariantCulture));
        return request;
    }

    private static long? OffsetIn(HttpResponseMessage response) =>
        response.Headers.TryGetValues(OffsetHeader, out IEnumerable<string>? values)
            && long.TryParse(values.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out long offset)
            ? offset
            : null;
}
