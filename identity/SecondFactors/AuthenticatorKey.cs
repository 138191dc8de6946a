using System.Text;
using HpcBilling.Identity.Domain;
using QRCoder;

namespace HpcBilling.Identity.SecondFactors;

/// <summary>The secret in the forms in which an authenticator takes it.</summary>
/// <param name="Text">Base 32 in groups, for typing.</param>
/// <param name="Uri"><c>otpauth://totp/…</c>, for a link on the phone itself.</param>
/// <param name="Image">The same as a QR code: a PNG in a data address.</param>
internal sealed record AuthenticatorKey(string Text, string Uri, string Image)
{
    private const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; // RFC 4648 §6
    private const int GroupCharacters = 4;
    private const int PixelsPerModule = 4;

    public static AuthenticatorKey Of(byte[] secret, string site, string username)
    {
        string key = Encode(secret);
        string label = System.Uri.EscapeDataString(site) + ":" + System.Uri.EscapeDataString(username);
        string uri = $"otpauth://totp/{label}?secret={key}&issuer={System.Uri.EscapeDataString(site)}&algorithm=SHA1&digits={Totp.Digits}&period={Totp.StepSeconds}";
        using QRCodeData code = QRCodeGenerator.GenerateQrCode(uri, QRCodeGenerator.ECCLevel.M);
        using var png = new PngByteQRCode(code);
        string image = "data:image/png;base64," + Convert.ToBase64String(png.GetGraphic(PixelsPerModule));
        return new AuthenticatorKey(string.Join(' ', key.Chunk(GroupCharacters).Select(group => new string(group))), uri, image);
    }

    private static string Encode(byte[] secret)
    {
        var text = new StringBuilder();
        int buffer = 0;
        int bits = 0;
        foreach (byte next in secret)
        {
            buffer = ((buffer & 0x1f) << 8) | next; // at most four bits are left over from the byte before
            bits += 8;
            for (; bits >= 5; bits -= 5) text.Append(Base32[(buffer >> (bits - 5)) & 0x1f]);
        }

        if (bits > 0) text.Append(Base32[(buffer << (5 - bits)) & 0x1f]);
        return text.ToString();
    }
}
