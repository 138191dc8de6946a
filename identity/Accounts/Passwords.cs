using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Accounts;

/// <summary>Salted, adaptive password hashes: PBKDF2 with HMAC-SHA512, the cost written into each hash.</summary>
internal sealed class Passwords
{
    private static readonly object Nobody = new();
    private readonly PasswordHasher<object> hasher;
    private readonly string decoyHash;

    public Passwords(IOptions<IdentityOptions> options)
    {
        hasher = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions
        {
            CompatibilityMode = PasswordHasherCompatibilityMode.IdentityV3,
            IterationCount = options.Value.PasswordIterations,
        }));
        decoyHash = Hash(Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));
    }

    public string Hash(string password) => hasher.HashPassword(Nobody, password);

    /// <param name="hash">Null when there is no such account, or it has no password: the same work is done, so that the time tells nothing.</param>
    /// <param name="password">As typed.</param>
    public PasswordVerdict Verify(string? hash, string password)
    {
        PasswordVerificationResult result = hasher.VerifyHashedPassword(Nobody, hash ?? decoyHash, password);
        return hash is null ? PasswordVerdict.Wrong : result switch
        {
            PasswordVerificationResult.Success => PasswordVerdict.Right,
            PasswordVerificationResult.SuccessRehashNeeded => PasswordVerdict.RightButCheap,
            _ => PasswordVerdict.Wrong,
        };
    }
}

internal enum PasswordVerdict
{
    Wrong,
    Right,

    /// <summary>Right, and its hash has a lower cost than is configured now.</summary>
    RightButCheap,
}
