using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Our id of somebody whom another issuer knows.</summary>
public static class SubjectId
{
    /// <summary>The same issuer and subject give the same id, in every service and for ever; different ones never do.</summary>
    /// <remarks>UUID version 8 (RFC 9562 §5.8) of the SHA-256 of both, their lengths before them so that none can run into the other.</remarks>
    public static Guid Of(string issuer, string subject)
    {
        byte[] text = [.. Prefixed(issuer), .. Prefixed(subject)];
        Span<byte> id = SHA256.HashData(text).AsSpan(0, 16);
        id[6] = (byte)((id[6] & 0x0F) | 0x80);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true);
    }

    private static byte[] Prefixed(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        byte[] length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        return [.. length, .. bytes];
    }
}
