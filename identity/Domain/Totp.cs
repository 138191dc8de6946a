using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace HpcBilling.Identity.Domain;

/// <summary>Time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, a new one every 30 seconds.</summary>
internal static class Totp
{
    public const int Digits = 6;
    public const int StepSeconds = 30;

    /// <summary>RFC 4226 §4 asks for 160 bits.</summary>
    public const int SecretBytes = 20;

    /// <summary>Steps by which a clock may be off, either way (RFC 6238 §5.2 advises one).</summary>
    private const int DriftSteps = 1;

    private const int Modulus = 1_000_000;

    /// <param name="now">UTC.</param>
    public static long StepAt(DateTimeOffset now) => now.ToUnixTimeSeconds() / StepSeconds;

    public static string CodeAt(ReadOnlySpan<byte> secret, long step) => $"{Value(secret, step) % Modulus:D6}";

    /// <param name="secret">Shared with the authenticator.</param>
    /// <param name="typed">As typed; spaces do not count.</param>
    /// <param name="now">UTC.</param>
    /// <param name="lastStep">Step of the newest code that was taken: it and those before it are never taken again.</param>
    /// <returns>The step whose code it is; null for a wrong or used one.</returns>
    public static long? Match(ReadOnlySpan<byte> secret, string typed, DateTimeOffset now, long lastStep)
    {
        string code = typed.Replace(" ", "", StringComparison.Ordinal);
        if (code.Length != Digits) return null;
        long? match = null;
        long current = StepAt(now);
        for (long step = current - DriftSteps; step <= current + DriftSteps; step++)
        {
            if (step > lastStep && CryptographicOperations.FixedTimeEquals(Characters(code), Characters(CodeAt(secret, step)))) match ??= step;
        }

        return match;
    }

    /// <summary>The 31 bits that a code is made of (RFC 4226 §5.3).</summary>
    [SuppressMessage("Security", "CA5350", Justification = "RFC 6238's default and what authenticators can do; HMAC does not need SHA-1's collision resistance.")]
    internal static int Value(ReadOnlySpan<byte> secret, long step)
    {
        Span<byte> counter = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> hash = stackalloc byte[HMACSHA1.HashSizeInBytes];
        HMACSHA1.HashData(secret, counter, hash);
        return BinaryPrimitives.ReadInt32BigEndian(hash[(hash[^1] & 0xf)..]) & int.MaxValue;
    }

    private static byte[] Characters(string code) => Encoding.UTF8.GetBytes(code);
}
