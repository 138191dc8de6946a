using System.ComponentModel.DataAnnotations;

namespace HpcBilling.Usage;

/// <summary>Section <c>Usage</c>.</summary>
public sealed class UsageOptions
{
    public const string Section = "Usage";

    /// <summary>Folder for uploads until they are imported; replicas share it. It is created when missing.</summary>
    [Required(ErrorMessage = "Usage:SpoolPath is missing: uploads could not be kept.")]
    public string SpoolPath { get; set; } = "";

    /// <summary>Largest file that is accepted, bytes.</summary>
    [Range(1, 1L << 50)]
    public long UploadBytesMax { get; set; } = 2L << 30;

    /// <summary>Days after which an upload that nobody finished is given up.</summary>
    [Range(1, 365)]
    public int UploadDaysMax { get; set; } = 7;

    /// <summary>How long an import that has fallen silent is left to its worker, seconds.</summary>
    [Range(2, 600)]
    public int LeaseSeconds { get; set; } = 10;

    /// <summary>Lines that are stored in one transaction.</summary>
    [Range(1, 1_000_000)]
    public int ChunkLinesMax { get; set; } = 20_000;

    /// <summary>Attempts without progress before an import is given up.</summary>
    [Range(1, 100)]
    public int AttemptsMax { get; set; } = 10;
}
