using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using HpcBilling.Usage.Slurm.Json;

namespace HpcBilling.Usage.Slurm.Rest;

/// <summary>Where a slurmrestd has the jobs of one data version, and which flags it takes there.</summary>
/// <param name="Version">Data version.</param>
/// <param name="Path">As its own description writes it.</param>
/// <param name="Flags">Flags to send, when steps are not wanted.</param>
internal sealed partial record RestPath(DataVersion Version, string Path, IReadOnlyList<string> Flags)
{
    // Newer ones are several MiB.
    private const int DocumentBytesMax = 64 * 1024 * 1024;

    // Earlier runs of a requeued job, times that are not cut to the span, and no steps, since nothing is charged by them: what
    // they measure is asked for by another question.
    private const string Duplicates = "show_duplicates";
    private const string NoSteps = "skip_steps";
    private const string NoTruncation = "disable_truncate_usage_time";

    /// <summary>Where a slurmrestd describes itself.</summary>
    public static readonly string[] Documents = ["/openapi/v3", "/openapi"];

    /// <summary>The question for a span; <c>uts</c> is Slurm's own way of writing an instant without a zone.</summary>
    public string Query(string cluster, DateTimeOffset from, DateTimeOffset to, bool hasSteps = false) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Path}?start_time=uts{from.ToUnixTimeSeconds()}&end_time=uts{to.ToUnixTimeSeconds()}&cluster={Uri.EscapeDataString(cluster)}{string.Concat(Flags.Where(flag => !hasSteps || flag != NoSteps).Select(flag => $"&{flag}=true"))}");

    /// <exception cref="JsonException">It is no description.</exception>
    public static async Task<IReadOnlyList<RestPath>> FindAsync(Stream document, CancellationToken cancellation)
    {
        using var bytes = new MemoryStream();
        var part = new byte[64 * 1024];
        for (int read; (read = await document.ReadAsync(part, cancellation)) > 0;)
        {
            if (bytes.Length + read > DocumentBytesMax) throw new JsonException($"The description has more than {DocumentBytesMax} bytes.");
            bytes.Write(part, 0, read);
        }

        using JsonDocument description = JsonDocument.Parse(bytes.GetBuffer().AsMemory(0, (int)bytes.Length));
        if (description.RootElement.ValueKind != JsonValueKind.Object || !description.RootElement.TryGetProperty("paths", out JsonElement paths) || paths.ValueKind != JsonValueKind.Object)
            throw new JsonException("The description has no paths.");

        var found = new List<RestPath>();
        foreach (JsonProperty entry in paths.EnumerateObject())
        {
            if (JobsPath().Match(entry.Name) is { Success: true } match && DataVersion.TryParse(match.Groups["version"].Value, out DataVersion version))
                found.Add(new RestPath(version, entry.Name, FlagsOf(entry.Value, version)));
        }

        return [.. found.OrderBy(one => one.Version.Number)];
    }

    // The defaults hold only while no flag is sent: all are sent, or none.
    private static string[] FlagsOf(JsonElement path, DataVersion version)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        if (path.ValueKind == JsonValueKind.Object && path.TryGetProperty("get", out JsonElement get) && get.ValueKind == JsonValueKind.Object
            && get.TryGetProperty("parameters", out JsonElement parameters) && parameters.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement parameter in parameters.EnumerateArray())
            {
                if (parameter.ValueKind == JsonValueKind.Object && parameter.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String)
                    taken.Add(name.GetString()!);
            }
        }

        if (taken.Contains(Duplicates)) return [.. new[] { Duplicates, NoTruncation, NoSteps }.Where(taken.Contains)];
        return version.HasDuplicatesWithoutAsking && taken.Contains(NoSteps) ? [NoSteps] : [];
    }

    [GeneratedRegex(@"^/slurmdb/(?<version>v0\.0\.[0-9]{1,3})/jobs/?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex JobsPath();
}
