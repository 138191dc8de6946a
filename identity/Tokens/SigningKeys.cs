using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>The keys as this replica knows them: which one signs now, and which a service should accept.</summary>
internal sealed class SigningKeys(TimeProvider clock)
{
    private volatile IReadOnlyList<SigningKey> known = [];

    /// <summary>Every key on record, newest first.</summary>
    public IReadOnlyList<SigningKey> Known => known;

    /// <summary>Every replica changes to a new key at the same moment: the key was there long before.</summary>
    public SigningCredentials Credentials => Signer(clock.GetUtcNow()).Credentials!;

    public IReadOnlyList<ECDsaSecurityKey> Published
    {
        get
        {
            DateTimeOffset now = clock.GetUtcNow();
            return [.. known.Where(key => key.IsPublished(now)).Select(key => key.Public)];
        }
    }

    /// <param name="keys">Newest first.</param>
    public void Set(IReadOnlyList<SigningKey> keys) => known = keys;

    public SigningKey Signer(DateTimeOffset now)
    {
        SigningKey[] able = [.. known.Where(key => key.Credentials is not null && key.IsPublished(now))];
        // A clock that is behind finds no key that signs yet: the oldest is the one that the others sign with.
        return able.FirstOrDefault(key => key.SignsFrom <= now) ?? able.LastOrDefault()
            ?? throw new InvalidOperationException("There is no signing key.");
    }
}
