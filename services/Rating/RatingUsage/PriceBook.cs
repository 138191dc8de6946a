using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Rating.RatingUsage;

/// <summary>Tariffs of an org and tiers of its users, held still while they are read or changed.</summary>
internal static class PriceBook
{
    // Readers price with what they see; a writer waits for them and then reprices what they stored. Without the lock a batch that read
    // the old tariffs could commit after the repricing and keep its old price.
    private const string ShareSql = "SELECT pg_advisory_xact_lock_shared(hashtextextended('price-book:' || @Org::text, 0))";
    private const string ChangeSql = "SELECT pg_advisory_xact_lock(hashtextextended('price-book:' || @Org::text, 0))";

    private const string TariffsSql = """
        SELECT tier, version, effective_from, currency, cpu_core_hour, gpu_hour, memory_gib_hour FROM tariffs WHERE org_id = @Org
        """;

    private const string TiersSql = "SELECT username, tier FROM user_tiers WHERE org_id = @Org AND username = ANY(@Usernames)";

    /// <summary>Nobody changes a tariff or a tier until this transaction ends.</summary>
    public static Task ShareAsync(OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.ExecuteAsync(ShareSql, new { Org = transaction.OrgId }, cancellation);

    /// <summary>Nobody prices a run until this transaction ends.</summary>
    public static Task ChangeAsync(OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.ExecuteAsync(ChangeSql, new { Org = transaction.OrgId }, cancellation);

    public static async Task<TariffBook> TariffsAsync(OrgTransaction transaction, CancellationToken cancellation)
    {
        var rows = await transaction.QueryAsync<TariffRow>(TariffsSql, new { Org = transaction.OrgId }, cancellation);
        return new TariffBook(rows.Select(row => row.ToVersion()));
    }

    /// <returns>Tiers by username; a user who is missing has the default tier.</returns>
    public static async Task<IReadOnlyDictionary<string, string>> TiersAsync(
        OrgTransaction transaction, IEnumerable<string> usernames, CancellationToken cancellation)
    {
        var args = new { Org = transaction.OrgId, Usernames = usernames.Distinct(StringComparer.Ordinal).ToArray() };
        return (await transaction.QueryAsync<(string Username, string Tier)>(TiersSql, args, cancellation))
            .ToDictionary(row => row.Username, row => row.Tier, StringComparer.Ordinal);
    }
}

internal sealed record TariffRow(
    string Tier, int Version, DateTimeOffset EffectiveFrom, string Currency, decimal CpuCoreHour, decimal GpuHour, decimal MemoryGibHour)
{
    public TariffVersion ToVersion() =>
        new(Tier, Version, EffectiveFrom, Domain.Currency.Of(Currency), CpuCoreHour, GpuHour, MemoryGibHour);
}
