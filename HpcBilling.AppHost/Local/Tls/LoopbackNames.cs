using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace HpcBilling.AppHost.Local.Tls;

/// <summary>The names of this machine to itself, as a certificate carries them and as its authority is confined to them.</summary>
internal static class LoopbackNames
{
    private const string HostName = "localhost";
    private static readonly IPAddress[] Addresses = [IPAddress.Loopback, IPAddress.IPv6Loopback];

    public static X509Extension Alternatives()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(HostName);
        foreach (var address in Addresses)
            names.AddIpAddress(address);
        return names.Build();
    }

    /// <summary>NameConstraints of RFC 5280, section 4.2.1.10: permitted subtrees only, critical.</summary>
    public static X509Extension Constraint()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
        {
            using (writer.PushSequence())
                writer.WriteCharacterString(UniversalTagNumber.IA5String, HostName, new Asn1Tag(TagClass.ContextSpecific, 2));
            foreach (var address in Addresses)
            {
                using (writer.PushSequence())
                    writer.WriteOctetString(AddressAndMask(address), new Asn1Tag(TagClass.ContextSpecific, 7));
            }
        }

        return new X509Extension("2.5.29.30", writer.Encode(), critical: true);
    }

    private static byte[] AddressAndMask(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return [.. bytes, .. Enumerable.Repeat((byte)0xff, bytes.Length)];
    }
}
