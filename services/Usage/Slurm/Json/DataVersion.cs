using System.Globalization;
using System.Runtime.InteropServices;

namespace HpcBilling.Usage.Slurm.Json;

/// <summary>A version of slurmrestd's data: <c>v0.0.38</c> is number 38.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DataVersion(int Number)
{
    /// <summary>The oldest and the newest that are understood here.</summary>
    public const int Oldest = 37, Newest = 46;

    private const string Prefix = "v0.0.";

    public bool IsUnderstood => Number is >= Oldest and <= Newest;

    /// <summary>Until 0.0.37 slurmrestd wrote the time of eligibility where the start belongs.</summary>
    public bool TellsEligibleAsStart => Number <= 37;

    /// <summary>Until 0.0.38 any query has earlier runs of requeued jobs in its answer; since then a flag asks for them.</summary>
    public bool HasDuplicatesWithoutAsking => Number <= 38;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Number}");

    public static bool TryParse(ReadOnlySpan<char> text, out DataVersion version)
    {
        version = default;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        if (!int.TryParse(text[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return false;

        version = new DataVersion(number);
        return true;
    }
}
