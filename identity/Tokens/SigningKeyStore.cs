using System.Security.Cryptography;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity.Tokens;

/// <summary>The keys in the database; their private halves are protected with the shared master key.</summary>
internal sealed class SigningKeyStore(
    Database database, IDataProtectionProvider protection, IOptions<IdentityOptions> options, IOptions<AuthOptions> auth, TimeProvider clock)
{
    private const int KeysMax = 50;
    private const string Purpose = "HpcBilling.Identity.SigningKeys";
    private readonly IDataProtector protector = protection.CreateProtector(Purpose);

    // Replicas start, and admins rotate, one after another.
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))";

    private const string ReadSql = """
        SELECT key_id, public_key, private_key, created_at, signs_from, retires_at FROM signing_keys
        WHERE org_id = @OrgId ORDER BY created_at DESC, key_id LIMIT @KeysMax
        """;

    private const string InsertSql = """
        INSERT INTO signing_keys (key_id, org_id, public_key, private_key, created_at, signs_from)
        VALUES (@KeyId, @OrgId, @PublicKey, @PrivateKey, @Now, @SignsFrom)
        """;

    private const string RetireSql = """
        UPDATE signing_keys SET retires_at = @RetiresAt WHERE org_id = @OrgId AND (retires_at IS NULL OR retires_at > @RetiresAt)
        """;

    private const string EraseSql = """
        UPDATE signing_keys SET private_key = NULL WHERE org_id = @OrgId AND retires_at <= @Now AND private_key IS NOT NULL
        """;

    private const string ProtectAgainSql = "UPDATE signing_keys SET private_key = @PrivateKey WHERE org_id = @OrgId AND key_id = @KeyId";

    /// <summary>Before the first request: the configured key is taken in when there is none at all, and old protection is renewed.</summary>
    /// <exception cref="InvalidOperationException">The configured key is none, or a stored one cannot be read.</exception>
    public async Task<IReadOnlyList<SigningKey>> PrepareAsync(CancellationToken cancellation)
    {
        using ECDsa configured = SigningKey.Parse(options.Value.SigningKey, "Identity:SigningKey");
        await using OrgTransaction tx = await database.BeginAsync(Orgs.Default, cancellation);
        await tx.ExecuteAsync(LockSql, null, cancellation);
        if ((await RowsAsync(tx, cancellation)).Count == 0)
        {
            DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
            await InsertAsync(tx, configured, now, now, cancellation);
        }

        foreach (KeyRow row in await RowsAsync(tx, cancellation))
        {
            if (row.PrivateKey is not null && Reveal(row, out bool isOutdated) is { } key && isOutdated)
                await tx.ExecuteAsync(ProtectAgainSql, new { tx.OrgId, row.KeyId, PrivateKey = protector.Protect(key) }, cancellation);
        }

        IReadOnlyList<SigningKey> keys = [.. (await RowsAsync(tx, cancellation)).Select(Open)];
        await tx.CommitAsync(cancellation);
        return keys;
    }

    /// <summary>As they are now; keys known before are not decrypted again.</summary>
    public async Task<IReadOnlyList<SigningKey>> ReadAsync(IReadOnlyList<SigningKey> known, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(Orgs.Default, cancellation);
        var keys = new List<SigningKey>();
        foreach (KeyRow row in await RowsAsync(tx, cancellation))
        {
            SigningKey? before = known.FirstOrDefault(key => key.KeyId == row.KeyId);
            keys.Add(before is null ? Open(row) : before with { SignsFrom = row.SignsFrom, RetiresAt = row.RetiresAt });
        }

        return keys;
    }

    public async Task EraseRetiredAsync(CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(Orgs.Default, cancellation);
        await tx.ExecuteAsync(EraseSql, new { tx.OrgId, Now = clock.GetUtcNow() }, cancellation);
        await tx.CommitAsync(cancellation);
    }

    /// <param name="caller">An admin of the site's own org.</param>
    /// <param name="atOnce">The keys so far are lost or known to somebody: they are dropped, and tokens signed with them end now.</param>
    /// <param name="cancellation">Cancels the transaction.</param>
    public async Task<RotateOutcome> RotateAsync(Caller caller, bool atOnce, CancellationToken cancellation)
    {
        using ECDsa next = SigningKey.Generate();
        await using OrgTransaction tx = await database.BeginAsync(Orgs.Default, cancellation);
        await tx.ExecuteAsync(LockSql, null, cancellation);
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        KeyRow newest = (await RowsAsync(tx, cancellation))[0];
        if (!atOnce && newest.SignsFrom > now) return new RotateOutcome.UnderWay(newest.SignsFrom);

        DateTimeOffset signsFrom = atOnce ? now : now.AddSeconds(options.Value.KeyPublishSeconds);
        DateTimeOffset retiresAt = atOnce ? now : signsFrom + LongestToken;
        await tx.ExecuteAsync(RetireSql, new { tx.OrgId, RetiresAt = retiresAt }, cancellation);
        await tx.ExecuteAsync(EraseSql, new { tx.OrgId, Now = now }, cancellation);
        string keyId = await InsertAsync(tx, next, now, signsFrom, cancellation);
        IReadOnlyDictionary<string, string> facts = Facts.Of(
            ("replaces", newest.KeyId), ("mode", atOnce ? "at_once" : "planned"), ("signsFrom", $"{signsFrom:O}"), ("previousRetiresAt", $"{retiresAt:O}"));
        await tx.AuditAsync(caller.Act("signing_key.rotated", "signing_key:" + keyId, facts), cancellation);
        await tx.CommitAsync(cancellation);
        return new RotateOutcome.Rotated(keyId, signsFrom, retiresAt);
    }

    // The last token signed with a key ends so long after its successor began to sign: its lifetime, the clock difference that services
    // forgive, and what a replica may lag behind.
    private TimeSpan LongestToken => TimeSpan.FromSeconds(options.Value.AccessTokenSeconds + auth.Value.ClockSkewSeconds + options.Value.KeyPollSeconds);

    private static Task<IReadOnlyList<KeyRow>> RowsAsync(OrgTransaction tx, CancellationToken cancellation) =>
        tx.QueryAsync<KeyRow>(ReadSql, new { tx.OrgId, KeysMax }, cancellation);

    private async Task<string> InsertAsync(OrgTransaction tx, ECDsa key, DateTimeOffset now, DateTimeOffset signsFrom, CancellationToken cancellation)
    {
        string keyId = SigningKey.Named(key).KeyId;
        var row = new
        {
            KeyId = keyId, tx.OrgId, PublicKey = key.ExportSubjectPublicKeyInfo(), PrivateKey = protector.Protect(key.ExportPkcs8PrivateKey()),
            Now = now, SignsFrom = signsFrom,
        };
        await tx.ExecuteAsync(InsertSql, row, cancellation);
        return keyId;
    }

    private SigningKey Open(KeyRow row)
    {
        var half = ECDsa.Create();
        half.ImportSubjectPublicKeyInfo(row.PublicKey, out _);
        SigningCredentials? credentials = null;
        if (row.PrivateKey is not null)
        {
            var whole = ECDsa.Create();
            whole.ImportPkcs8PrivateKey(Reveal(row, out _), out _);
            credentials = new SigningCredentials(SigningKey.Named(whole), SecurityAlgorithms.EcdsaSha256);
        }

        return new SigningKey(SigningKey.Named(half), credentials, row.CreatedAt, row.SignsFrom, row.RetiresAt);
    }

    private byte[] Reveal(KeyRow row, out bool isOutdated)
    {
        try
        {
            return ((IPersistedDataProtector)protector).DangerousUnprotect(row.PrivateKey!, ignoreRevocationErrors: false, out isOutdated, out _);
        }
        catch (CryptographicException foreign)
        {
            throw new InvalidOperationException(
                $"The signing key {row.KeyId} was protected with another master key: give that one as DataProtection:MasterKeyPrevious.", foreign);
        }
    }

    private sealed record KeyRow(
        string KeyId, byte[] PublicKey, byte[]? PrivateKey, DateTimeOffset CreatedAt, DateTimeOffset SignsFrom, DateTimeOffset? RetiresAt);
}

internal abstract record RotateOutcome
{
    private RotateOutcome() { }

    internal sealed record Rotated(string KeyId, DateTimeOffset SignsFrom, DateTimeOffset PreviousRetiresAt) : RotateOutcome;

    /// <summary>The key before is published and does not sign yet; another one now would leave services without the one between.</summary>
    internal sealed record UnderWay(DateTimeOffset SignsFrom) : RotateOutcome;
}
