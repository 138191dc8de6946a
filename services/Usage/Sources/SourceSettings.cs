using System.Text.Json;
using System.Text.Json.Serialization;

namespace HpcBilling.Usage.Sources;

/// <summary>
/// What a source is besides its name, as an admin says it and as it is stored. Secrets are files by their name alone, in the folder that
/// the configuration says. Which program is run is nobody's to say here.
/// </summary>
internal sealed record SourceSettings
{
    public string? Url { get; init; }
    public string? Socket { get; init; }
    public string? TokenFile { get; init; }
    public string? User { get; init; }
    public string? CaFile { get; init; }
    public string? CertificateFile { get; init; }
    public string? KeyFile { get; init; }
    public string? SlurmConf { get; init; }
    public string? Path { get; init; }
    public string? Fields { get; init; }
    public int? TimeoutSeconds { get; init; }
    public int? AnswerRecordsMax { get; init; }
    public bool? ReadsSteps { get; init; }

    /// <summary>What was sent besides; it is refused by name.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; set; }

    /// <summary>Its texts by the names that clients know.</summary>
    [JsonIgnore]
    public IReadOnlyList<(string Name, string? Text)> Texts =>
    [
        ("url", Url), ("socket", Socket), ("tokenFile", TokenFile), ("user", User), ("caFile", CaFile), ("certificateFile", CertificateFile), ("keyFile", KeyFile),
        ("slurmConf", SlurmConf), ("path", Path), ("fields", Fields),
    ];

    /// <summary>A form sends every field, also the empty ones.</summary>
    public SourceSettings Trimmed() => this with
    {
        Url = Trim(Url), Socket = Trim(Socket), TokenFile = Trim(TokenFile), User = Trim(User), CaFile = Trim(CaFile), CertificateFile = Trim(CertificateFile),
        KeyFile = Trim(KeyFile), SlurmConf = Trim(SlurmConf), Path = Trim(Path), Fields = Trim(Fields),
    };

    /// <returns>The names of what is different.</returns>
    public IEnumerable<string> Changes(SourceSettings before)
    {
        (string Name, object? Value)[] now = [.. Values()];
        return now.Zip(before.Values()).Where(pair => !Equals(pair.First.Value, pair.Second.Value)).Select(pair => pair.First.Name);
    }

    private IEnumerable<(string Name, object? Value)> Values() =>
    [
        .. Texts.Select(text => (text.Name, (object?)text.Text)), ("timeoutSeconds", TimeoutSeconds), ("answerRecordsMax", AnswerRecordsMax), ("readsSteps", ReadsSteps),
    ];

    private static string? Trim(string? text) => text?.Trim() is { Length: > 0 } trimmed ? trimmed : null;
}
