using System.Diagnostics.Metrics;
using HpcBilling.Audit.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Audit.VerifyingChain;

/// <summary><c>GET /api/v1/audit/verify</c>: recomputes the org's chain from its first entry.</summary>
internal static class VerifyChain
{
    private static readonly Meter Meter = new("HpcBilling.Audit");
    private static readonly Counter<long> Broken = Meter.CreateCounter<long>(
        "hpcbilling.audit.chain.broken", "{verification}", "Verifications that found a bad entry.");

    public static void Map(RouteGroupBuilder audit) => audit.MapGet("/verify", HandleAsync);

    private static async Task<IResult> HandleAsync(Caller caller, Database database, ILoggerFactory logs, CancellationToken cancellation)
    {
        long length;
        await using (OrgTransaction transaction = await database.BeginAsync(caller.OrgId, cancellation))
            length = await ChainPages.LengthAsync(transaction, cancellation);

        ChainVerdict verdict = await VerifyAsync(database, caller.OrgId, length, cancellation);
        if (verdict is ChainVerdict.Broken broken)
        {
            Broken.Add(1);
            logs.CreateLogger(typeof(VerifyChain)).LogCritical("The audit chain of org {OrgId} is broken: {Reason}", caller.OrgId, broken.Reason);
        }

        return TypedResults.Ok(Verdict.Of(verdict));
    }

    private static async Task<ChainVerdict> VerifyAsync(Database database, Guid orgId, long length, CancellationToken cancellation)
    {
        var verifier = new ChainVerifier(length);
        await foreach (SealedEntry entry in ChainPages.ReadAsync(database, orgId, length, cancellation))
            if (verifier.Check(entry) is { } broken) return broken;
        return verifier.Finish();
    }

    internal enum Status
    {
        Ok,
        Broken,
    }

    /// <param name="Status">Whether every entry is good.</param>
    /// <param name="Count">Good entries, from the first on.</param>
    /// <param name="HeadHash">Hash of the last entry when all are good; keep it elsewhere to notice a chain that was cut.</param>
    /// <param name="FirstBad">The first bad entry, when there is one.</param>
    internal sealed record Verdict(Status Status, long Count, string? HeadHash, BadEntry? FirstBad)
    {
        public static Verdict Of(ChainVerdict verdict) => verdict switch
        {
            ChainVerdict.Whole whole => new Verdict(Status.Ok, whole.Count, whole.HeadHash, FirstBad: null),
            ChainVerdict.Broken bad => new Verdict(
                Status.Broken, bad.GoodCount, HeadHash: null, new BadEntry(bad.Seq, bad.EntryId, bad.Fault, bad.Reason)),
            _ => throw new InvalidOperationException($"No such verdict: {verdict.GetType().Name}"),
        };
    }

    internal sealed record BadEntry(long Seq, Guid? EntryId, ChainFault Fault, string Reason);
}
