using System.ComponentModel.DataAnnotations;

namespace HpcBilling.Gateway.Hardening;

/// <summary>Section <c>Gateway:Limits</c>: what one client may take of this process. Whoever goes beyond is refused or cut off.</summary>
internal sealed class LimitOptions
{
    public const string Section = GatewayOptions.Section + ":Limits";

    private const int KiB = 1024;
    private const long MiB = 1024 * KiB;

    /// <summary>Open connections altogether.</summary>
    [Range(10, 1_000_000, ErrorMessage = "Gateway:Limits:ConnectionsMax must be between 10 and 1 000 000")]
    public int ConnectionsMax { get; set; } = 10_000;

    /// <summary>Open connections of one client address; a campus behind one address needs more.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Gateway:Limits:ConnectionsPerAddressMax must be between 1 and 1 000 000")]
    public int ConnectionsPerAddressMax { get; set; } = 1_000;

    /// <summary>Requests that one HTTP/2 connection may have open at once.</summary>
    [Range(1, 1_000, ErrorMessage = "Gateway:Limits:StreamsPerConnectionMax must be between 1 and 1000")]
    public int StreamsPerConnectionMax { get; set; } = 100;

    /// <summary>For a TLS handshake.</summary>
    [Range(1, 60, ErrorMessage = "Gateway:Limits:HandshakeSecondsMax must be between 1 and 60")]
    public int HandshakeSecondsMax { get; set; } = 10;

    /// <summary>For a request's headers, from their first byte to their last.</summary>
    [Range(1, 60, ErrorMessage = "Gateway:Limits:HeaderSecondsMax must be between 1 and 60")]
    public int HeaderSecondsMax { get; set; } = 15;

    /// <summary>That a connection stays open without a request.</summary>
    [Range(1, 600, ErrorMessage = "Gateway:Limits:IdleSecondsMax must be between 1 and 600")]
    public int IdleSecondsMax { get; set; } = 120;

    /// <summary>Method, target and version of a request.</summary>
    [Range(1 * KiB, 64 * KiB, ErrorMessage = "Gateway:Limits:RequestLineBytesMax must be between 1024 and 65536")]
    public int RequestLineBytesMax { get; set; } = 8 * KiB;

    /// <summary>Headers of a request.</summary>
    [Range(16, 200, ErrorMessage = "Gateway:Limits:HeadersMax must be between 16 and 200")]
    public int HeadersMax { get; set; } = 64;

    /// <summary>All headers of a request together.</summary>
    [Range(4 * KiB, 128 * KiB, ErrorMessage = "Gateway:Limits:HeaderBytesMax must be between 4096 and 131072")]
    public int HeaderBytesMax { get; set; } = 16 * KiB;

    /// <summary>Body of a request, unless it is an upload.</summary>
    [Range(16 * KiB, 64 * MiB, ErrorMessage = "Gateway:Limits:BodyBytesMax must be between 16 KiB and 64 MiB")]
    public long BodyBytesMax { get; set; } = 1 * MiB;

    /// <summary>Content of an import; a larger log is uploaded in parts.</summary>
    [Range(1 * MiB, 1024 * 1024 * MiB, ErrorMessage = "Gateway:Limits:UploadBytesMax must be between 1 MiB and 1 TiB")]
    public long UploadBytesMax { get; set; } = 2048 * MiB;

    /// <summary>The form by which a page takes a file: somewhat more than the page's own limit (<c>Admin:UploadBytesMax</c>), so that the page itself can say that a file is too large.</summary>
    [Range(1 * MiB, 64 * 1024 * MiB, ErrorMessage = "Gateway:Limits:PageUploadBytesMax must be between 1 MiB and 64 GiB")]
    public long PageUploadBytesMax { get; set; } = 272 * MiB;

    /// <summary>Slowest that a client may send a body or take an answer, on average; what the network's buffers took at once counts in its favour, until the route's time limit.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Gateway:Limits:BytesPerSecondMin must be between 1 and 1 000 000")]
    public int BytesPerSecondMin { get; set; } = 1_024;

    /// <summary>How long a client may be slower than that.</summary>
    [Range(1, 120, ErrorMessage = "Gateway:Limits:SlowSecondsMax must be between 1 and 120")]
    public int SlowSecondsMax { get; set; } = 10;
}
