using System.Security.Cryptography;
using System.Text;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Tokens;

/// <summary>Remembers what may be presented once, until it would have expired anyway; shared by replicas.</summary>
internal static class UsedOnce
{
    private const string Sql = """
        INSERT INTO used_once (used_hash, org_id, expires_at) VALUES (@Hash, @OrgId, @ExpiresAt) ON CONFLICT (used_hash) DO NOTHING
        """;

    /// <returns>False when it was presented before.</returns>
    public static async Task<bool> TakeAsync(OrgTransaction tx, string what, DateTimeOffset expiresAt, CancellationToken cancellation) =>
        await tx.ExecuteAsync(Sql, new { Hash = SHA256.HashData(Encoding.UTF8.GetBytes(what)), tx.OrgId, ExpiresAt = expiresAt }, cancellation) == 1;
}
