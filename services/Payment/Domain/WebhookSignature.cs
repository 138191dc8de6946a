using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace HpcBilling.Payment.Domain;

/// <summary>Whether a call comes from who knows the secret. All but <see cref="Valid"/> get the same answer; the difference is for the record.</summary>
internal enum SignatureVerdict
{
    Valid,
    Missing,
    Malformed,

    /// <summary>Signed longer ago, or further ahead, than <see cref="WebhookSignature.ToleranceSeconds"/>.</summary>
    Stale,

    /// <summary>No secret in force gives any of its signatures.</summary>
    Wrong,
}

/// <summary><c>Webhook-Signature: t=1763769600,v1=hex</c> with <c>v1 = HMAC-SHA256(secret, "t.body")</c> over the raw body.</summary>
/// <remarks>The scheme that hosted checkouts use; several <c>v1</c> may stand in it while the sender changes its secret.</remarks>
internal static class WebhookSignature
{
    public const string Header = "Webhook-Signature";
    public const int ToleranceSeconds = 300;
    private const int HeaderCharsMax = 1_024;
    private const int SignaturesMax = 5;

    public static string Sign(string secret, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        long timestamp = at.ToUnixTimeSeconds();
        return string.Create(CultureInfo.InvariantCulture, $"t={timestamp},v1={Convert.ToHexStringLower(Mac(secret, timestamp, body))}");
    }

    /// <param name="header">The header's value; null when there is none.</param>
    /// <param name="body">The bytes as they came.</param>
    /// <param name="secrets">Secrets in force: the current one and, during a rotation, the one before.</param>
    /// <param name="now">Instant of the call.</param>
    public static SignatureVerdict Verify(string? header, ReadOnlySpan<byte> body, IReadOnlyCollection<string> secrets, DateTimeOffset now)
    {
        if (string.IsNullOrEmpty(header)) return SignatureVerdict.Missing;
        if (!TryParse(header, out long timestamp, out List<byte[]> signatures)) return SignatureVerdict.Malformed;

        // Every pair is compared, each in constant time: neither the match nor the secret that made it shows in the time taken.
        bool matches = false;
        foreach (string secret in secrets)
        {
            byte[] expected = Mac(secret, timestamp, body);
            foreach (byte[] signature in signatures) matches |= CryptographicOperations.FixedTimeEquals(expected, signature);
        }

        if (!matches) return SignatureVerdict.Wrong;
        return Math.Abs(now.ToUnixTimeSeconds() - timestamp) > ToleranceSeconds ? SignatureVerdict.Stale : SignatureVerdict.Valid;
    }

    private static bool TryParse(string header, out long timestamp, out List<byte[]> signatures)
    {
        timestamp = 0;
        signatures = [];
        if (header.Length > HeaderCharsMax) return false;
        bool hasTimestamp = false;
        foreach (string part in header.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("t=", StringComparison.Ordinal))
            {
                if (hasTimestamp || !long.TryParse(part.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out timestamp)) return false;
                hasTimestamp = true;
            }
            else if (part.StartsWith("v1=", StringComparison.Ordinal))
            {
                byte[] signature = new byte[HMACSHA256.HashSizeInBytes];
                if (signatures.Count == SignaturesMax || part.Length != 3 + (2 * signature.Length)) return false;
                if (Convert.FromHexString(part.AsSpan(3), signature, out _, out _) != System.Buffers.OperationStatus.Done) return false;
                signatures.Add(signature);
            }
        }

        return hasTimestamp && signatures.Count > 0 && timestamp < DateTimeOffset.MaxValue.ToUnixTimeSeconds();
    }

    private static byte[] Mac(string secret, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hmac.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{timestamp}.")));
        hmac.AppendData(body);
        return hmac.GetHashAndReset();
    }
}
