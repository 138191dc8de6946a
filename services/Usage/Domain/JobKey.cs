using System.Globalization;

namespace HpcBilling.Usage.Domain;

/// <summary>
/// What makes a run that run: cluster, raw job id, submit and start. Job ids wrap round and are reused between clusters; requeue and
/// resize repeat them with another submit; the end changes while a job runs, so it is no part of the key.
/// </summary>
internal static class JobKey
{
    /// <summary><c>cluster/raw id/submit/start</c>, instants as seconds since 1970, <c>-</c> for a start that has not happened.</summary>
    public static string Of(string cluster, long rawJobId, DateTimeOffset submittedAt, DateTimeOffset? startedAt)
    {
        Span<char> buffer = stackalloc char[SlurmName.LengthMax + 64];
        var submit = submittedAt.ToUnixTimeSeconds();
        var fits = startedAt is { } start
            ? buffer.TryWrite(CultureInfo.InvariantCulture, $"{cluster}/{rawJobId}/{submit}/{start.ToUnixTimeSeconds()}", out var length)
            : buffer.TryWrite(CultureInfo.InvariantCulture, $"{cluster}/{rawJobId}/{submit}/-", out length);
        if (!fits) throw new ArgumentException($"A cluster's name has at most {SlurmName.LengthMax} characters.", nameof(cluster));

        return new string(buffer[..length]);
    }
}
