namespace HpcBilling.Admin.Clients;

internal static class AdminClients
{
    public static void AddAdminClients(this IServiceCollection services) => services
        .AddSingleton<RatingOffice>()
        .AddSingleton<Jobs>()
        .AddSingleton<Imports>()
        .AddSingleton<SlurmSources>()
        .AddSingleton<QuarantineRecords>()
        .AddSingleton<PolledClusters>()
        .AddSingleton<Reconciliations>()
        .AddSingleton<Payments>()
        .AddSingleton<AuditLog>()
        .AddSingleton<Users>();
}
