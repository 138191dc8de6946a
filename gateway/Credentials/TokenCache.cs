using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace HpcBilling.Gateway.Credentials;

/// <summary>
/// Access tokens of the credentials seen in the last seconds, by the credential's hash. Requests that arrive together with the same
/// credential share one exchange. Only what was granted is kept.
/// </summary>
internal sealed class TokenCache(TokenExchange exchange, IOptions<GatewayOptions> options) : IDisposable
{
    private const int EntriesMax = 20_000;

    // A token is not sent on its way so late that it would expire there.
    private static readonly TimeSpan ExpiryMargin = TimeSpan.FromSeconds(30);

    private readonly MemoryCache granted = new(new MemoryCacheOptions { SizeLimit = EntriesMax });
    private readonly ConcurrentDictionary<string, Lazy<Task<ExchangeOutcome>>> underway = new(StringComparer.Ordinal);

    public async Task<ExchangeOutcome> FindAsync(PresentedCredential.Exchangeable credential, CancellationToken cancellation)
    {
        string key = Key(credential);
        if (granted.TryGetValue(key, out ExchangeOutcome? known) && known is not null) return known;
        Lazy<Task<ExchangeOutcome>> shared = underway.GetOrAdd(key, _ => new Lazy<Task<ExchangeOutcome>>(() => ExchangeAsync(key, credential)));

        // Whoever goes away leaves; the exchange goes on for the others.
        return await shared.Value.WaitAsync(cancellation);
    }

    /// <summary>The credential has changed hands or ended: identity is asked at the next request.</summary>
    public void Forget(PresentedCredential.Exchangeable credential) => granted.Remove(Key(credential));

    public void Dispose() => granted.Dispose();

    private async Task<ExchangeOutcome> ExchangeAsync(string key, PresentedCredential.Exchangeable credential)
    {
        try
        {
            ExchangeOutcome outcome = await exchange.RunAsync(credential);
            if (outcome is ExchangeOutcome.Granted { Lifetime: var lifetime } && lifetime > ExpiryMargin)
            {
                var reuse = TimeSpan.FromSeconds(options.Value.CredentialReuseSeconds);
                TimeSpan kept = lifetime - ExpiryMargin < reuse ? lifetime - ExpiryMargin : reuse;
                granted.Set(key, outcome, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = kept });
            }

            return outcome;
        }
        finally
        {
            underway.TryRemove(key, out _);
        }
    }

    private static string Key(PresentedCredential.Exchangeable credential) => Convert.ToHexString(
        SHA256.HashData(Encoding.UTF8.GetBytes(credential.SubjectTokenType + " " + credential.Secret)));
}
