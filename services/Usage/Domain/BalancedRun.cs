namespace HpcBilling.Usage.Domain;

/// <summary>The columns of a balance. What slurmdbd holds is what was billed, will be, never will be, or is in quarantine.</summary>
internal enum BalanceColumn
{
    Slurmdbd,
    Stored,
    Billed,
    Unbilled,
    Exempt,
    Quarantined,
}

/// <summary>One resource, in TRES-seconds (memory in MiB-seconds).</summary>
internal sealed record TresBalance(string Tres, IReadOnlyList<decimal> Columns)
{
    public decimal Slurmdbd => Columns[(int)BalanceColumn.Slurmdbd];

    public decimal Stored => Columns[(int)BalanceColumn.Stored];

    public decimal Billed => Columns[(int)BalanceColumn.Billed];

    public decimal Unbilled => Columns[(int)BalanceColumn.Unbilled];

    public decimal Exempt => Columns[(int)BalanceColumn.Exempt];

    public decimal Quarantined => Columns[(int)BalanceColumn.Quarantined];

    /// <summary>What slurmdbd holds and nothing accounts for; negative when more is accounted for than it holds.</summary>
    public decimal Difference => Slurmdbd - Billed - Unbilled - Exempt - Quarantined;
}

/// <param name="Key">Job key under which it is stored, or would be.</param>
/// <param name="Told">What slurmdbd says now; null when it does not hold it.</param>
/// <param name="ToldTimes">Records of this key in one answer.</param>
/// <param name="Stored">What is stored; null when nothing is.</param>
/// <param name="QuarantineCode">Why it is in quarantine in place of being stored; null when it is not.</param>
/// <param name="Rated">What became of it; null when rating does not know it, or was not asked.</param>
internal sealed record BalancedRun(string Key, JobRun? Told, int ToldTimes, JobRun? Stored, string? QuarantineCode, RatedRun? Rated);

/// <param name="Digest">Its identity in quarantine.</param>
/// <param name="Code">Why it is no run.</param>
/// <param name="Text">What is kept of it.</param>
/// <param name="IsKnown">It is in quarantine here as well.</param>
/// <param name="Held">What it held, where that can be read; null otherwise.</param>
internal sealed record RefusedRecord(string Digest, string Code, string Text, bool IsKnown, HeldTres? Held);

/// <param name="EndedAt">UTC; null when it has not ended.</param>
/// <param name="Seconds">Charged seconds.</param>
/// <param name="Tres">Allocated.</param>
internal sealed record HeldTres(DateTimeOffset? EndedAt, long Seconds, Tres Tres);
