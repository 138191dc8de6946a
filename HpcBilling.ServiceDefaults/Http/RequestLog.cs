using System.Diagnostics;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace HpcBilling.ServiceDefaults.Http;

/// <summary>One line a request: method, path, status, latency, who. Never a query string, a header or a body.</summary>
internal sealed class RequestLog(RequestDelegate next, ILogger<RequestLog> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        long began = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            bool probe = context.Request.Path.Value is "/healthz" or "/readyz";
            log.Log(
                probe ? LogLevel.Debug : LogLevel.Information,
                "{Method} {Path} {Status} in {ElapsedMs} ms user {UserId} ip {Ip}",
                context.Request.Method,
                context.Request.Path.Value,
                context.Response.StatusCode,
                (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds,
                context.User.FindFirst(Claims.Subject)?.Value,
                context.Connection.RemoteIpAddress);
        }
    }
}
