using System.Net;
using System.Net.Sockets;

namespace HpcBilling.Gateway.Hardening;

/// <summary>Whose requests and connections are counted together.</summary>
internal static class ClientNetwork
{
    // One customer of an IPv6 provider has a whole /64 to send from.
    public static string Of(IPAddress? address) => address switch
    {
        null => "unknown",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8)),
        _ => address.ToString(),
    };
}
