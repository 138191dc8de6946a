using System.Security.Cryptography;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Protection;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.SecondFactors;

/// <summary>During a rotation of the master key: secrets that the previous one protects are protected again with the new one, so that the previous can go.</summary>
internal sealed class RenewProtection(
    Database database, IDataProtectionProvider protection, IOptions<SharedKeyOptions> shared, ILogger<RenewProtection> log) : BackgroundService
{
    private const int RowsMax = 500;

    private const string OrgsSql = "SELECT org_id FROM orgs ORDER BY org_id";

    private const string PageSql = """
        SELECT user_id, secret FROM second_factors WHERE org_id = @OrgId AND user_id > @After ORDER BY user_id LIMIT @RowsMax FOR UPDATE
        """;

    private const string WriteSql = "UPDATE second_factors SET secret = @Secret WHERE org_id = @OrgId AND user_id = @UserId";

    private readonly IPersistedDataProtector protector = (IPersistedDataProtector)protection.CreateProtector(SecondFactorStore.Purpose);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (shared.Value.MasterKeyPrevious is null) return;
        try
        {
            int renewed = 0;
            foreach (Guid org in await OrgsAsync(stoppingToken)) renewed += await RenewAsync(org, stoppingToken);
            log.LogInformation("No second factor needs DataProtection:MasterKeyPrevious any more; {Count} were protected again", renewed);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError("Second factors could not be protected again; keep DataProtection:MasterKeyPrevious and restart: {Reason}", failure.Message);
        }
    }

    private async Task<IReadOnlyList<Guid>> OrgsAsync(CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellation);
        return await tx.QueryAsync<Guid>(OrgsSql, null, cancellation);
    }

    private async Task<int> RenewAsync(Guid org, CancellationToken cancellation)
    {
        int renewed = 0;
        Guid after = Guid.Empty;
        while (true)
        {
            await using OrgTransaction tx = await database.BeginAsync(org, cancellation);
            IReadOnlyList<Row> page = await tx.QueryAsync<Row>(PageSql, new { tx.OrgId, After = after, RowsMax }, cancellation);
            foreach (Row row in page)
            {
                if (Outdated(row) is not { } secret) continue;
                await tx.ExecuteAsync(WriteSql, new { tx.OrgId, row.UserId, Secret = protector.Protect(secret) }, cancellation);
                renewed++;
            }

            await tx.CommitAsync(cancellation);
            if (page.Count < RowsMax) return renewed;
            after = page[^1].UserId;
        }
    }

    /// <returns>Null when the secret is protected with the new key, or cannot be read at all and is lost already.</returns>
    private byte[]? Outdated(Row row)
    {
        try
        {
            byte[] secret = protector.DangerousUnprotect(row.Secret, ignoreRevocationErrors: false, out bool isOutdated, out _);
            return isOutdated ? secret : null;
        }
        catch (CryptographicException)
        {
            log.LogWarning("The second factor of user {UserId} cannot be read with either master key; an admin must remove it", row.UserId);
            return null;
        }
    }

    private sealed record Row(Guid UserId, byte[] Secret);
}
