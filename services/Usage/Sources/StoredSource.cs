using System.Text.Json;

namespace HpcBilling.Usage.Sources;

/// <summary>A row of <c>sources</c>.</summary>
internal sealed record StoredSource
{
    public Guid Id { get; init; }
    public Guid OrgId { get; init; }
    public string Cluster { get; init; } = "";
    public string Name { get; init; } = "";
    public string Kind { get; init; } = "";
    public int Preference { get; init; }

    /// <summary>JSON of <see cref="SourceSettings"/>.</summary>
    public string Settings { get; init; } = "{}";

    public bool Enabled { get; init; }
    public int Revision { get; init; }
    public string ChangedBy { get; init; } = "";
    public DateTimeOffset ChangedAt { get; init; }

    /// <summary>The same for as long as the source is asked the same way; its preference may change.</summary>
    public string Key => $"{Id}/{Cluster}/{Kind}/{Name}/{Settings}";

    /// <summary>Another one after every change.</summary>
    public string Mark => $"{Id}/{Revision}";

    public WantedSource Wanted() => new(OrgId, Cluster, Name, Kind, Preference, JsonSerializer.Deserialize<SourceSettings>(Settings, JsonSerializerOptions.Web)!);
}
