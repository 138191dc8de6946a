using System.Collections.Concurrent;

namespace HpcBilling.Gateway.Revocation;

/// <summary>What this replica knows about credentials that ended: whether an answer that identity gave a moment ago may be used again.</summary>
internal sealed class Revocations(FeedHealth feed, TimeProvider clock)
{
    /// <summary>How long an answer is used while revocations are not heard.</summary>
    public static readonly TimeSpan UnheardUseMax = TimeSpan.FromMilliseconds(500);

    private const int SubjectsMax = 50_000;

    // Longer than any answer is kept: an older mark says nothing.
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, long> bySubject = new(StringComparer.Ordinal);
    private readonly Lock pruning = new();
    private long everybody = long.MinValue;

    /// <summary>What was obtained for this user until now is not used again, also what is on its way.</summary>
    public void Revoke(string subject)
    {
        bySubject[subject] = clock.GetTimestamp();
        if (bySubject.Count > SubjectsMax) Prune();
    }

    /// <param name="subject">Whose answer; the <c>sub</c> of his tokens.</param>
    /// <param name="askedAt">When identity was asked, of the clock's <see cref="TimeProvider.GetTimestamp"/>: its answer is no older.</param>
    public bool IsRevoked(string subject, long askedAt) =>
        askedAt <= Interlocked.Read(ref everybody) || (bySubject.TryGetValue(subject, out long revokedAt) && askedAt <= revokedAt);

    public bool MayUse(string subject, long askedAt) =>
        !IsRevoked(subject, askedAt) && (feed.Covers(askedAt) || clock.GetElapsedTime(askedAt) <= UnheardUseMax);

    // Rather everybody is asked for anew than a revocation forgotten.
    private void Prune()
    {
        lock (pruning)
        {
            foreach ((string subject, long revokedAt) in bySubject)
            {
                if (clock.GetElapsedTime(revokedAt) > Remembered) bySubject.TryRemove(KeyValuePair.Create(subject, revokedAt));
            }

            if (bySubject.Count <= SubjectsMax) return;
            Interlocked.Exchange(ref everybody, clock.GetTimestamp());
            bySubject.Clear();
        }
    }
}
