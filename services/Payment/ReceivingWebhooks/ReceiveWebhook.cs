using System.Security.Cryptography;
using HpcBilling.Payment.Providers;
using Microsoft.AspNetCore.Mvc;

namespace HpcBilling.Payment.ReceivingWebhooks;

/// <summary><c>POST /payments/webhook/{provider}</c>: the signature is all that admits a call; whoever has none learns nothing.</summary>
internal static class ReceiveWebhook
{
    private const int BodyBytesMax = 64 * 1024;

    public static void Map(WebApplication app) => app.MapPost("/payments/webhook/{provider}", HandleAsync)
        .WithMetadata(new RequestSizeLimitAttribute(BodyBytesMax))
        .AllowAnonymous()
        .DisableAntiforgery();

    private static async Task<IResult> HandleAsync(
        string provider, HttpRequest request, ProviderDirectory providers, WebhookEvents events, WebhookRejections rejections, TimeProvider clock,
        CancellationToken cancellation)
    {
        if (providers.Find(provider) is not { } sender) return TypedResults.NotFound();
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellation);
        ReadOnlyMemory<byte> bytes = body.GetBuffer().AsMemory(0, (int)body.Length);

        switch (sender.ReadWebhook(request.Headers, bytes.Span, clock.GetUtcNow()))
        {
            case WebhookReading.Authentic authentic:
                await events.ApplyAsync(sender.Name, authentic.Event, Convert.ToHexStringLower(SHA256.HashData(bytes.Span)), cancellation);
                return TypedResults.Ok();
            case WebhookReading.Rejected rejected:
                await rejections.RecordAsync(sender.Name, rejected.Reason, request.HttpContext.Connection.RemoteIpAddress?.ToString(), cancellation);
                return TypedResults.Problem(statusCode: StatusCodes.Status400BadRequest, title: "Bad request");
            case var reading:
                throw new InvalidOperationException($"No such reading: {reading.GetType().Name}");
        }
    }
}
