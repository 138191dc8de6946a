using System.Security.Cryptography;
using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.AspNetCore.DataProtection;

namespace HpcBilling.Identity.SecondFactors;

/// <summary>Rows of second factors and recovery codes. Secrets are encrypted with the key that the services share.</summary>
internal sealed class SecondFactorStore(IDataProtectionProvider protection, ILogger<SecondFactorStore> log)
{
    public const int RecoveryCodes = 10;
    private const string Purpose = "identity: secret of a second factor, 1";

    private const string BeginSql = """
        INSERT INTO second_factors (user_id, org_id, secret, created_at) VALUES (@UserId, @OrgId, @Secret, @Now)
        ON CONFLICT (user_id) DO UPDATE SET secret = @Secret, created_at = @Now, last_step = 0 WHERE second_factors.enabled_at IS NULL
        """;

    // Locked, so that one code cannot be used twice at the same moment.
    private const string ReadSql = """
        SELECT secret, enabled_at, last_step FROM second_factors WHERE org_id = @OrgId AND user_id = @UserId FOR UPDATE
        """;

    private const string UseStepSql = """
        UPDATE second_factors SET last_step = @Step, enabled_at = coalesce(enabled_at, @Now) WHERE org_id = @OrgId AND user_id = @UserId
        """;

    private const string UseRecoverySql = """
        UPDATE recovery_codes SET used_at = @Now WHERE org_id = @OrgId AND user_id = @UserId AND code_hash = @Hash AND used_at IS NULL
        """;

    private const string CountRecoverySql = """
        SELECT count(*) FROM recovery_codes WHERE org_id = @OrgId AND user_id = @UserId AND used_at IS NULL
        """;

    private const string ForgetRecoverySql = "DELETE FROM recovery_codes WHERE org_id = @OrgId AND user_id = @UserId";

    private const string AddRecoverySql = """
        INSERT INTO recovery_codes (org_id, user_id, code_hash) SELECT @OrgId, @UserId, unnest(@Hashes)
        """;

    private const string ForgetSql = "DELETE FROM second_factors WHERE org_id = @OrgId AND user_id = @UserId";

    private readonly IDataProtector protector = protection.CreateProtector(Purpose);

    /// <summary>A new secret that waits to be confirmed; one that is in use already stays.</summary>
    public Task BeginAsync(OrgTransaction tx, Guid userId, DateTimeOffset now, CancellationToken cancellation)
    {
        byte[] secret = protector.Protect(RandomNumberGenerator.GetBytes(Totp.SecretBytes));
        return tx.ExecuteAsync(BeginSql, new { tx.OrgId, UserId = userId, Secret = secret, Now = now }, cancellation);
    }

    /// <returns>Null when there is none; its secret is null when it cannot be decrypted any more.</returns>
    public async Task<SecondFactor?> FindAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation) =>
        await tx.QuerySingleOrDefaultAsync<Row>(ReadSql, new { tx.OrgId, UserId = userId }, cancellation) is { } row
            ? new SecondFactor(Decrypted(row.Secret), row.EnabledAt is not null, row.LastStep)
            : null;

    /// <summary>Takes a code of the authenticator, whose first one confirms the enrolment.</summary>
    /// <returns>False for a wrong or used one.</returns>
    public static async Task<bool> UseCodeAsync(
        OrgTransaction tx, Guid userId, SecondFactor factor, string code, DateTimeOffset now, CancellationToken cancellation)
    {
        if (factor.Secret is null || Totp.Match(factor.Secret, code, now, factor.LastStep) is not { } step) return false;
        await tx.ExecuteAsync(UseStepSql, new { tx.OrgId, UserId = userId, Step = step, Now = now }, cancellation);
        return true;
    }

    public static async Task<bool> UseRecoveryCodeAsync(OrgTransaction tx, Guid userId, string code, DateTimeOffset now, CancellationToken cancellation) =>
        SpokenCode.Hash(code) is { } hash
        && await tx.ExecuteAsync(UseRecoverySql, new { tx.OrgId, UserId = userId, Hash = hash, Now = now }, cancellation) == 1;

    public static Task<long> UnusedRecoveryCodesAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation) =>
        tx.ExecuteScalarAsync<long>(CountRecoverySql, new { tx.OrgId, UserId = userId }, cancellation);

    /// <returns>New codes in place of all earlier ones; shown this once.</returns>
    public static async Task<IReadOnlyList<string>> RenewRecoveryCodesAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation)
    {
        string[] codes = [.. Enumerable.Range(0, RecoveryCodes).Select(_ => SpokenCode.New())];
        await tx.ExecuteAsync(ForgetRecoverySql, new { tx.OrgId, UserId = userId }, cancellation);
        byte[][] hashes = [.. codes.Select(SpokenCode.HashNew)];
        await tx.ExecuteAsync(AddRecoverySql, new { tx.OrgId, UserId = userId, Hashes = hashes }, cancellation);
        return codes;
    }

    /// <returns>False when there was none.</returns>
    public static async Task<bool> ForgetAsync(OrgTransaction tx, Guid userId, CancellationToken cancellation)
    {
        await tx.ExecuteAsync(ForgetRecoverySql, new { tx.OrgId, UserId = userId }, cancellation);
        return await tx.ExecuteAsync(ForgetSql, new { tx.OrgId, UserId = userId }, cancellation) == 1;
    }

    private byte[]? Decrypted(byte[] secret)
    {
        try
        {
            return protector.Unprotect(secret);
        }
        catch (CryptographicException unreadable)
        {
            log.LogError(unreadable, "The secret of a second factor cannot be decrypted: DataProtection:MasterKey is not the one that it was encrypted with");
            return null;
        }
    }

    private sealed record Row(byte[] Secret, DateTimeOffset? EnabledAt, long LastStep);
}

/// <param name="Secret">Shared with the authenticator.</param>
/// <param name="IsEnabled">False until the first code has confirmed it.</param>
/// <param name="LastStep">Step of the newest code that was taken.</param>
internal sealed record SecondFactor(byte[]? Secret, bool IsEnabled, long LastStep);
