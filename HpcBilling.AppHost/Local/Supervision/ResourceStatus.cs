namespace HpcBilling.AppHost.Local.Supervision;

public enum ResourceState
{
    /// <summary>For what it depends on.</summary>
    Waiting,
    Starting,
    Running,

    /// <summary>It died; the next attempt is due after a pause.</summary>
    BackingOff,

    /// <summary>It ran to completion.</summary>
    Finished,
    Stopping,
    Stopped,

    /// <summary>It never worked, and is not tried again.</summary>
    Failed,
}

public enum Health
{
    Unknown,
    Healthy,
    Unhealthy,
}

/// <summary>One resource at one moment.</summary>
public sealed record ResourceStatus(string Name, string Kind, IReadOnlyList<string> Endpoints)
{
    public ResourceState State { get; init; } = ResourceState.Waiting;

    public Health Health { get; init; } = Health.Unknown;

    public int? Pid { get; init; }

    public int Restarts { get; init; }

    /// <summary>When the current process was started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    public int? ExitCode { get; init; }

    /// <summary>Why it is not healthy; empty when nothing is to say.</summary>
    public string Message { get; init; } = "";

    public bool IsUp => State == ResourceState.Finished || (State == ResourceState.Running && Health == Health.Healthy);
}
