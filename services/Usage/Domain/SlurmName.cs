namespace HpcBilling.Usage.Domain;

/// <summary>Names that Slurm gives: users, accounts, partitions, QoS, clusters.</summary>
internal static class SlurmName
{
    public const int LengthMax = 250;

    /// <summary>Slurm keeps a cluster's name in lower case and lets it hold letters, digits, <c>_</c>, <c>-</c> and <c>.</c>.</summary>
    public static bool TryCluster(string? text, out string cluster)
    {
        cluster = string.Empty;
        if (text is not { Length: > 0 and <= LengthMax }) return false;
        if (!text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.')) return false;

        cluster = text.ToLowerInvariant();
        return true;
    }

    public static bool IsPrintable(string text) => text.Length <= LengthMax && !HasControl(text);

    public static bool HasControl(string text) => text.Any(char.IsControl);
}
