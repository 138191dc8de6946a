using System.ComponentModel.DataAnnotations;

namespace HpcBilling.Admin;

/// <summary>Section <c>Admin</c>.</summary>
public sealed class AdminOptions
{
    public const string Section = "Admin";

    /// <summary>Largest file that the page of imports takes, bytes; <c>Gateway:Limits:PageUploadBytesMax</c> must let it through.</summary>
    [Range(1L << 20, 1L << 36, ErrorMessage = "Admin:UploadBytesMax must be between 1 MiB and 64 GiB")]
    public long UploadBytesMax { get; set; } = 256L << 20;
}
