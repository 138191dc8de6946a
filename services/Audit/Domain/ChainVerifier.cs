namespace HpcBilling.Audit.Domain;

/// <summary>What is wrong with the first bad entry.</summary>
internal enum ChainFault
{
    /// <summary>Its content no longer gives its hash.</summary>
    Changed,

    /// <summary>Content and hash were both replaced: the entry after it was sealed over another one.</summary>
    Rewritten,

    /// <summary>It is not there, or not in its place.</summary>
    Missing,

    /// <summary>Its number is there twice: an entry was inserted or moved.</summary>
    Repeated,

    /// <summary>It belongs to another org than the chain.</summary>
    Foreign,

    /// <summary>Its line in the file cannot be read.</summary>
    Unreadable,
}

/// <summary>Outcome of a verification.</summary>
internal abstract record ChainVerdict
{
    private ChainVerdict() { }

    /// <param name="Count">Entries, all of them good.</param>
    /// <param name="HeadHash">Hash of the last one. A chain cut at its end is whole too: compare this with a head kept elsewhere.</param>
    internal sealed record Whole(long Count, string HeadHash) : ChainVerdict;

    /// <param name="Seq">The first bad entry.</param>
    /// <param name="EntryId">Its identity; null when it is not there to be named.</param>
    /// <param name="Fault">What is wrong with it.</param>
    /// <param name="Reason">The same in a sentence.</param>
    /// <param name="GoodCount">Entries before it, all of them good.</param>
    internal sealed record Broken(long Seq, Guid? EntryId, ChainFault Fault, string Reason, long GoodCount) : ChainVerdict;
}

/// <summary>Walks a chain from its first entry, one entry at a time in constant memory, up to the first bad one.</summary>
internal sealed class ChainVerifier
{
    private readonly long? upToSeq;
    private AuditEntry? last;

    /// <param name="upToSeq">Entries that must be there; null when that is not known from elsewhere.</param>
    public ChainVerifier(long? upToSeq = null) => this.upToSeq = upToSeq;

    public ChainHead Head { get; private set; } = HashChain.Start;

    public static ChainVerdict Verify(IEnumerable<SealedEntry> entries)
    {
        var verifier = new ChainVerifier();
        foreach (SealedEntry entry in entries)
            if (verifier.Check(entry) is { } broken) return broken;
        return verifier.Finish();
    }

    /// <summary>Checks the next entry; null when it is good. After a bad one there is nothing more to ask.</summary>
    public ChainVerdict.Broken? Check(SealedEntry next)
    {
        AuditEntry entry = next.Entry;
        long expectedSeq = Head.Seq + 1;
        if (entry.Seq > expectedSeq)
            return Broken(expectedSeq, null, ChainFault.Missing, $"entry {expectedSeq} is missing: entry {entry.Seq} stands in its place");
        if (entry.Seq < expectedSeq)
            return Broken(entry.Seq, entry.EntryId, ChainFault.Repeated, $"a second entry {entry.Seq} stands after entry {Head.Seq}");
        if (last is not null && entry.OrgId != last.OrgId)
            return Broken(entry.Seq, entry.EntryId, ChainFault.Foreign, $"entry {entry.Seq} belongs to another org");

        // An entry that agrees with its own prev_hash vouches for its predecessor: if that one has another hash now, it is the forged one.
        if (!string.Equals(HashChain.Hash(next.PrevHash, entry), next.Hash, StringComparison.Ordinal))
            return Broken(entry.Seq, entry.EntryId, ChainFault.Changed, $"entry {entry.Seq} was changed: its content does not give its hash");
        if (!string.Equals(next.PrevHash, Head.Hash, StringComparison.Ordinal))
            return Unlinked(entry);

        Head = new ChainHead(entry.Seq, next.Hash);
        last = entry;
        return null;
    }

    /// <summary>Verdict when no further entry comes.</summary>
    public ChainVerdict Finish() => upToSeq is { } end && Head.Seq < end
        ? Broken(Head.Seq + 1, null, ChainFault.Missing, $"entry {Head.Seq + 1} is missing: the chain should reach entry {end}")
        : new ChainVerdict.Whole(Head.Seq, Head.Hash);

    private ChainVerdict.Broken Unlinked(AuditEntry entry) => last is null
        ? Broken(entry.Seq, entry.EntryId, ChainFault.Rewritten, "entry 1 does not start the chain: its prev_hash is not 64 zeros")
        : Broken(
            last.Seq, last.EntryId, ChainFault.Rewritten, $"entry {last.Seq} was rewritten: entry {entry.Seq} was sealed over another one");

    private static ChainVerdict.Broken Broken(long seq, Guid? entryId, ChainFault fault, string reason) =>
        new(seq, entryId, fault, reason, GoodCount: Math.Max(0, seq - 1));
}
