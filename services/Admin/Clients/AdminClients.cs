namespace HpcBilling.Admin.Clients;

internal static class AdminClients
{
    public static void AddAdminClients(this IServiceCollection services) => services
        .AddSingleton<RatingOffice>()
        .AddSingleton<Jobs>()
        .AddSingleton<Payments>()
        .AddSingleton<AuditLog>()
        .AddSingleton<Users>();
}
