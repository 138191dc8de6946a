using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Audit.Domain;

namespace HpcBilling.Domain.Tests.Audit;

[Trait("Control", "AUD-01")]
public sealed class ChainVerifierTests
{
    [Fact]
    public void An_empty_chain_is_whole() =>
        Assert.Equal(new ChainVerdict.Whole(0, HashChain.Genesis), ChainVerifier.Verify([]));

    [Fact]
    public void An_untouched_chain_is_whole_and_says_its_head()
    {
        List<SealedEntry> chain = ChainSamples.Chain(20);
        Assert.Equal(new ChainVerdict.Whole(20, chain[^1].Hash), ChainVerifier.Verify(chain));
    }

    [Fact]
    public void Any_changed_field_names_its_entry()
    {
        Func<AuditEntry, AuditEntry>[] changes =
        [
            e => e with { EntryId = new Guid("01900000-0000-7000-8000-00000000ffff") },
            e => e with { OccurredAt = e.OccurredAt.AddMicroseconds(1) },
            e => e with { RecordedAt = e.RecordedAt.AddMicroseconds(-1) },
            e => e with { Service = "usage" },
            e => e with { Actor = "mallory" },
            e => e with { Action = "receipt.voided" },
            e => e with { Subject = e.Subject + " " },
            e => e with { Details = new Dictionary<string, string>(e.Details, StringComparer.Ordinal) { ["totalMinor"] = "1251" } },
            e => e with { Details = new Dictionary<string, string>(e.Details, StringComparer.Ordinal) { ["note"] = "" } },
            e => e with { IpAddress = e.IpAddress is null ? "192.0.2.8" : null },
            e => e with { OrgId = new Guid("01900000-0000-7000-8000-00000000eeee") },
        ];

        foreach (Func<AuditEntry, AuditEntry> change in changes)
        {
            for (int at = 0; at < 5; at++)
            {
                List<SealedEntry> chain = ChainSamples.Chain(5);
                chain[at] = chain[at] with { Entry = change(chain[at].Entry) };
                Assert.Equal(at + 1, FirstBad(chain).Seq);
            }
        }
    }

    [Fact]
    public void A_changed_entry_whose_hash_was_renewed_is_named_by_the_one_behind_it() => Check((chain, at) =>
    {
        AuditEntry forged = chain[at].Entry with { Actor = "mallory" };
        chain[at] = new SealedEntry(forged, chain[at].PrevHash, HashChain.Hash(chain[at].PrevHash, forged));
        AssertBad(chain, at + 1, ChainFault.Rewritten);
    });

    [Fact]
    public void A_removed_entry_is_named() => Check((chain, at) =>
    {
        chain.RemoveAt(at);
        AssertBad(chain, at + 1, ChainFault.Missing);
    });

    [Fact]
    public void A_removed_entry_is_found_though_the_rest_was_renumbered() => Check((chain, at) =>
    {
        chain.RemoveAt(at);
        for (int i = at; i < chain.Count; i++) chain[i] = chain[i] with { Entry = chain[i].Entry with { Seq = i + 1 } };
        AssertBad(chain, at + 1, ChainFault.Changed);
    });

    [Fact]
    public void An_inserted_entry_with_honest_looking_hashes_is_named() => Check((chain, at) =>
    {
        AuditEntry forged = ChainSamples.Entry(9_999) with { Seq = at + 1 };
        chain.Insert(at, new SealedEntry(forged, chain[at].PrevHash, HashChain.Hash(chain[at].PrevHash, forged)));
        AssertBad(chain, at + 1, ChainFault.Repeated);
    });

    [Fact]
    public void An_inserted_entry_is_found_though_the_rest_was_renumbered() => Check((chain, at) =>
    {
        AuditEntry forged = ChainSamples.Entry(9_999) with { Seq = at + 1 };
        chain.Insert(at, new SealedEntry(forged, chain[at].PrevHash, HashChain.Hash(chain[at].PrevHash, forged)));
        for (int i = at + 1; i < chain.Count; i++) chain[i] = chain[i] with { Entry = chain[i].Entry with { Seq = i + 1 } };
        AssertBad(chain, at + 2, ChainFault.Changed);
    });

    [Fact]
    public void Two_entries_that_changed_places_are_found_at_the_earlier_place() => Check((chain, at) =>
    {
        (chain[at], chain[at + 1]) = (chain[at + 1], chain[at]);
        AssertBad(chain, at + 1, ChainFault.Missing);
    });

    [Fact]
    public void A_chain_that_does_not_start_at_its_start_is_broken()
    {
        List<SealedEntry> chain = ChainSamples.Chain(3);
        AuditEntry first = chain[0].Entry;
        string otherPrev = new('1', 64);
        chain[0] = new SealedEntry(first, otherPrev, HashChain.Hash(otherPrev, first));
        AssertBad(chain, 1, ChainFault.Rewritten);
    }

    [Fact]
    public void A_chain_cut_at_its_end_is_found_by_who_knows_how_long_it_was()
    {
        var verifier = new ChainVerifier(upToSeq: 5);
        foreach (SealedEntry entry in ChainSamples.Chain(3)) Assert.Null(verifier.Check(entry));
        var broken = Assert.IsType<ChainVerdict.Broken>(verifier.Finish());
        Assert.Equal((4, ChainFault.Missing), (broken.Seq, broken.Fault));
    }

    // Every place but the last: what only the end of a chain knows is for checkpoints outside it.
    private static void Check(Action<List<SealedEntry>, int> tamperAndAssert) =>
        Prop.ForAll(
            Gen.Choose(2, 12).SelectMany(count => Gen.Choose(0, count - 2).Select(at => (count, at))).ToArbitrary(),
            sample => tamperAndAssert(ChainSamples.Chain(sample.count), sample.at)).QuickCheckThrowOnFailure();

    private static ChainVerdict.Broken FirstBad(List<SealedEntry> chain) =>
        Assert.IsType<ChainVerdict.Broken>(ChainVerifier.Verify(chain));

    private static void AssertBad(List<SealedEntry> chain, long seq, ChainFault fault)
    {
        ChainVerdict.Broken broken = FirstBad(chain);
        Assert.Equal((seq, fault, seq - 1), (broken.Seq, broken.Fault, broken.GoodCount));
    }
}
