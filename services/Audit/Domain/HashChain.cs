using System.Security.Cryptography;
using System.Text;

namespace HpcBilling.Audit.Domain;

/// <summary>End of a chain so far; a chain without entries ends at <see cref="HashChain.Start"/>.</summary>
internal readonly record struct ChainHead(long Seq, string Hash);

/// <summary><c>hash = SHA-256(prev_hash ‖ canonical record)</c>: an entry vouches for all before it.</summary>
/// <remarks>
/// <c>prev_hash</c> goes in as its 64 hex digits, so that <c>printf '%s%s' "$prev" "$record" | sha256sum</c> is the whole
/// algorithm. Source: docs/adr/0005-audit-chain.md.
/// </remarks>
internal static class HashChain
{
    /// <summary>What stands before the first entry: 64 zeros.</summary>
    public const string Genesis = "0000000000000000000000000000000000000000000000000000000000000000";

    public static ChainHead Start { get; } = new(0, Genesis);

    /// <summary>Puts an entry behind the head; its <see cref="AuditEntry.Seq"/> is given here.</summary>
    public static SealedEntry Seal(ChainHead head, AuditEntry entry)
    {
        AuditEntry placed = entry with { Seq = head.Seq + 1 };
        return new SealedEntry(placed, head.Hash, Hash(head.Hash, placed));
    }

    public static string Hash(string prevHash, AuditEntry entry)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha256.AppendData(Encoding.ASCII.GetBytes(prevHash));
        sha256.AppendData(CanonicalRecord.Write(entry));
        return Convert.ToHexStringLower(sha256.GetHashAndReset());
    }
}
