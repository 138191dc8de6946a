using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>Usage: one import, resumable as the real one is.</summary>
public sealed partial class StandInBackend
{
    /// <summary>The import since the last <see cref="Forget"/>.</summary>
    public ImportState Import { get; private set; } = new();

    private void MapImports(WebApplication app)
    {
        app.MapPost("/api/v1/imports", (ImportWish wish, HttpRequest request) => wish switch
        {
            { SizeBytes: 0 } => Invalid("sizeBytes", "the file is empty"),
            { Fields: "wrong" } => Invalid("fields", "'wrong' is no column of sacct"),
            { Cluster: "a b" } => Invalid("cluster", "may hold letters only"),
            _ when !Import.Announce(request.Headers["Idempotency-Key"].ToString(), wish.ToString(), wish.SizeBytes) =>
                Results.Problem(statusCode: 409, detail: "The Idempotency-Key was used for another request."),
            _ => Results.Json(new { id = Job, sizeBytes = wish.SizeBytes, bytesReceived = Import.Bytes.Length }, statusCode: 202),
        });
        app.MapPut("/api/v1/imports/{id:guid}/content", (Delegate)ReceiveAsync);
    }

    private async Task<IResult> ReceiveAsync(HttpContext context)
    {
        ImportState import = Import;
        long offset = long.Parse(context.Request.Headers["Upload-Offset"].ToString(), CultureInfo.InvariantCulture);
        if (import.BusyTimes-- > 0 || offset != import.Bytes.Length)
        {
            context.Response.Headers["Upload-Offset"] = import.Bytes.Length.ToString(CultureInfo.InvariantCulture);
            return Results.Problem(statusCode: 409, detail: "Another request is sending this import's bytes.");
        }

        byte[] buffer = new byte[64 * 1024];
        for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
        {
            import.Keep(buffer.AsSpan(0, read));
            if (import.Bytes.Length < import.BreaksAt) continue;
            import.BreaksAt = long.MaxValue;
            context.Abort();
            return Results.Empty;
        }

        return Results.NoContent();
    }

    /// <summary>An import as it comes in.</summary>
    public sealed class ImportState
    {
        private readonly Lock gate = new();
        private readonly ArrayBufferWriter<byte> content = new();
        private (string Key, string Wish)? announced;

        public long SizeBytes { get; private set; }

        /// <summary>The connection breaks once there are so many bytes.</summary>
        public long BreaksAt { get; set; } = long.MaxValue;

        /// <summary>So many times another request is sending.</summary>
        public int BusyTimes { get; set; }

        public byte[] Bytes
        {
            get
            {
                lock (gate) return content.WrittenSpan.ToArray();
            }
        }

        public bool Announce(string key, string wish, long sizeBytes)
        {
            if (announced is not null && announced != (key, wish)) return false;
            announced = (key, wish);
            SizeBytes = sizeBytes;
            return true;
        }

        public void Keep(ReadOnlySpan<byte> bytes)
        {
            lock (gate) content.Write(bytes);
        }
    }

    private sealed record ImportWish(string FileName, long SizeBytes, string Format, string? Fields, string? Cluster);
}
