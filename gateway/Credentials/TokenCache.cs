using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using HpcBilling.Gateway.Revocation;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Credentials;

/// <summary>
/// Access tokens of the credentials seen in the last seconds, by the credential's hash. Requests that arrive together with the same
/// credential share one exchange. Only what was granted is kept, and only while nothing says that it may have ended.
/// </summary>
internal sealed class TokenCache(TokenExchange exchange, Revocations revocations, IOptions<GatewayOptions> options, TimeProvider clock) : IDisposable
{
    private const int EntriesMax = 20_000;
    private const int AttemptsMax = 3;

    // A token is not sent on its way so late that it would expire there.
    private static readonly TimeSpan ExpiryMargin = TimeSpan.FromSeconds(30);

    private readonly MemoryCache granted = new(new MemoryCacheOptions { SizeLimit = EntriesMax });
    private readonly ConcurrentDictionary<string, Lazy<Task<ExchangeOutcome>>> underway = new(StringComparer.Ordinal);

    public async Task<ExchangeOutcome> FindAsync(PresentedCredential.Exchangeable credential, CancellationToken cancellation)
    {
        string key = Key(credential);
        if (granted.TryGetValue(key, out Kept? kept) && kept is not null && revocations.MayUse(kept.Answer.Token.Subject, kept.AskedAt)) return kept.Answer;
        Lazy<Task<ExchangeOutcome>> shared = underway.GetOrAdd(key, _ => new Lazy<Task<ExchangeOutcome>>(() => ExchangeAsync(key, credential)));

        // Whoever goes away leaves; the exchange goes on for the others.
        return await shared.Value.WaitAsync(cancellation);
    }

    public void Dispose() => granted.Dispose();

    private async Task<ExchangeOutcome> ExchangeAsync(string key, PresentedCredential.Exchangeable credential)
    {
        try
        {
            for (int attempt = 0; attempt < AttemptsMax; attempt++)
            {
                long askedAt = clock.GetTimestamp();
                ExchangeOutcome outcome = await exchange.RunAsync(credential);
                if (outcome is not ExchangeOutcome.Granted answer) return outcome;
                if (revocations.IsRevoked(answer.Token.Subject, askedAt)) continue; // the answer may be older than the revocation
                Keep(key, answer, askedAt);
                return answer;
            }

            return new ExchangeOutcome.Unavailable();
        }
        finally
        {
            underway.TryRemove(key, out _);
        }
    }

    private void Keep(string key, ExchangeOutcome.Granted answer, long askedAt)
    {
        var reuse = TimeSpan.FromSeconds(options.Value.CredentialReuseSeconds);
        TimeSpan usable = answer.Lifetime - ExpiryMargin;
        if (usable <= TimeSpan.Zero) return;
        granted.Set(key, new Kept(answer, askedAt), new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = usable < reuse ? usable : reuse });
    }

    private static string Key(PresentedCredential.Exchangeable credential) => Convert.ToHexString(
        SHA256.HashData(Encoding.UTF8.GetBytes(credential.SubjectTokenType + " " + credential.Secret)));

    private sealed record Kept(ExchangeOutcome.Granted Answer, long AskedAt);
}
