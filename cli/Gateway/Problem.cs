using System.Net;
using System.Text.Json;

namespace HpcBilling.Cli.Gateway;

/// <summary>An error reply (RFC 9457) in one line.</summary>
internal sealed record Problem(string? Title, string? Detail, Dictionary<string, string[]>? Errors)
{
    private const int BodyCharactersMax = 64 * 1024;

    public static async Task<CommandFailedException> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        HttpStatusCode status = response.StatusCode;
        int code = status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden || IsOutage(status) ? ExitCode.Unreachable : ExitCode.Failed;
        string what = await DescribeAsync(response, cancellationToken) ?? $"{(int)status} {response.ReasonPhrase}".TrimEnd();
        string request = $"{response.RequestMessage?.Method} /{response.RequestMessage?.RequestUri?.AbsolutePath.TrimStart('/')}";
        return new CommandFailedException(code, status switch
        {
            HttpStatusCode.Unauthorized => $"the token is missing, expired or revoked ({what}): run `hpcb login`",
            HttpStatusCode.Forbidden => $"the token does not allow this ({what}; {request})",
            _ => $"{what} ({request})",
        });
    }

    /// <summary>The service behind the gateway, or the gateway, is away for now.</summary>
    public static bool IsOutage(HttpStatusCode status) =>
        status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static async Task<string?> DescribeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/json")) return null;
        if (response.Content.Headers.ContentLength > BodyCharactersMax) return null;
        try
        {
            string body = await response.Content.ReadAsStringAsync(cancellationToken);
            return JsonSerializer.Deserialize<Problem>(body, JsonSerializerOptions.Web)?.OneLine();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private string? OneLine()
    {
        string head = string.Join(": ", new[] { Title, Detail }.OfType<string>().Distinct());
        // A detail often says the one wrong field already.
        string fields = string.Join("; ", (Errors ?? []).Select(field => $"{field.Key}: {string.Join(", ", field.Value)}").Where(text => !head.Contains(text, StringComparison.Ordinal)));
        return (head, fields) switch
        {
            ("", "") => null,
            (_, "") => head,
            ("", _) => fields,
            _ => $"{head} ({fields})",
        };
    }
}
