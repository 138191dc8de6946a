namespace HpcBilling.AppHost.Local.Processes;

/// <summary>What to start and how to end it.</summary>
public sealed record ProcessSpec
{
    public required string FileName { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Added to the inherited environment; null removes.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>Account to run under when the AppHost is root; null is the AppHost's own.</summary>
    public string? Account { get; init; }

    public Signal StopSignal { get; init; } = Signal.Terminate;

    /// <summary>After this the process group is killed.</summary>
    public TimeSpan StopDeadline { get; init; } = TimeSpan.FromSeconds(10);
}
