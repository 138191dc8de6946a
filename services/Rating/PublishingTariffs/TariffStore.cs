using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Rating.PublishingTariffs;

internal static class TariffStore
{
    private const string InsertSql = """
        INSERT INTO tariffs (org_id, tier, version, effective_from, currency, cpu_core_hour, gpu_hour, memory_gib_hour, published_by, published_at)
        VALUES (@Org, @Tier, @Version, @EffectiveFrom, @Currency, @CpuCoreHour, @GpuHour, @MemoryGibHour, @PublishedBy, @PublishedAt)
        """;

    public static Task InsertAsync(
        TariffVersion tariff, string publishedBy, DateTimeOffset publishedAt, OrgTransaction transaction, CancellationToken cancellation) =>
        transaction.ExecuteAsync(
            InsertSql,
            new
            {
                Org = transaction.OrgId,
                tariff.Tier,
                tariff.Version,
                tariff.EffectiveFrom,
                Currency = tariff.Currency.Code,
                tariff.CpuCoreHour,
                tariff.GpuHour,
                tariff.MemoryGibHour,
                PublishedBy = publishedBy,
                PublishedAt = publishedAt,
            },
            cancellation);
}
