namespace HpcBilling.AppHost.Local.Supervision;

/// <summary>How soon something that died is started again, and when to give up on it.</summary>
public sealed record RestartPolicy
{
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What ran this long begins with the first pause again.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Attempts for what has never been healthy, or does not run to completion: a mistake, not a mishap.</summary>
    public int AttemptsMax { get; init; } = 6;

    /// <param name="failures">In a row, the last included; at least 1.</param>
    public TimeSpan PauseAfter(int failures)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(failures, 1);
        var doublings = Math.Min(failures - 1, 20);
        var pause = FirstPause * Math.Pow(2, doublings);
        return pause < LongestPause ? pause : LongestPause;
    }
}
