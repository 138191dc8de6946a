using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>A span as a service exported it.</summary>
public sealed record Span(string TraceId, string Name, string Scope, string Service);

/// <summary>Takes OTLP over HTTP (protobuf) and keeps the spans; reads only the fields that the tests ask for.</summary>
/// <remarks>Source: opentelemetry-proto, trace/v1/trace.proto.</remarks>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<Span> spans = new();
    private readonly ConcurrentDictionary<string, int> exports = new(StringComparer.Ordinal);
    private WebApplication app = null!;

    public string Address => app.Urls.Single();

    public IReadOnlyCollection<Span> Spans => spans;

    /// <summary>Exports received, by signal: <c>traces</c>, <c>metrics</c>, <c>logs</c>.</summary>
    public IReadOnlyDictionary<string, int> Exports => exports;

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        receiver.app = builder.Build();
        receiver.app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            receiver.exports.AddOrUpdate(signal, 1, (_, count) => count + 1);
            if (signal == "traces") receiver.Take(body.ToArray());
            return Results.Bytes([], "application/x-protobuf");
        });
        await receiver.app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    // ExportTraceServiceRequest { 1: ResourceSpans { 1: Resource { 1: KeyValue { 1: key, 2: AnyValue { 1: string } } }, 2: ScopeSpans { 1: Scope { 1: name }, 2: Span { 1: trace id, 5: name } } } }
    private void Take(byte[] request)
    {
        foreach (byte[] resourceSpans in Fields(request, 1))
        {
            string service = (from resource in Fields(resourceSpans, 1)
                              from attribute in Fields(resource, 1)
                              where Text(attribute, 1) == "service.name"
                              from value in Fields(attribute, 2)
                              select Text(value, 1)).FirstOrDefault("");
            foreach (byte[] scopeSpans in Fields(resourceSpans, 2))
            {
                string scope = Fields(scopeSpans, 1).Select(bytes => Text(bytes, 1)).FirstOrDefault("");
                foreach (byte[] span in Fields(scopeSpans, 2))
                    spans.Enqueue(new Span(Convert.ToHexStringLower(Fields(span, 1).Single()), Text(span, 5), scope, service));
            }
        }
    }

    private static string Text(byte[] message, int field) =>
        Fields(message, field).Select(global::System.Text.Encoding.UTF8.GetString).FirstOrDefault("");

    private static List<byte[]> Fields(byte[] message, int wanted)
    {
        var found = new List<byte[]>();
        for (int at = 0; at < message.Length;)
        {
            ulong key = Varint(message, ref at);
            int length = (key & 7) switch
            {
                0 => Skip(message, ref at),
                1 => 8,
                2 => (int)Varint(message, ref at),
                5 => 4,
                _ => throw new InvalidDataException($"wire type {key & 7}"),
            };
            if ((key & 7) == 2 && (int)(key >> 3) == wanted) found.Add(message[at..(at + length)]);
            at += length;
        }

        return found;
    }

    private static int Skip(byte[] message, ref int at)
    {
        Varint(message, ref at);
        return 0;
    }

    private static ulong Varint(byte[] message, ref int at)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte part = message[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return value;
        }
    }
}
