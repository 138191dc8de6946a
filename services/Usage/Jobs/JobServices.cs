namespace HpcBilling.Usage.Jobs;

internal static class JobServices
{
    public static IServiceCollection AddJobs(this IServiceCollection services) =>
        services.AddSingleton<JobLedger>().AddSingleton<JobSignals>().AddHostedService<JobWorker>();

    public static IServiceCollection AddJobHandler<THandler>(this IServiceCollection services)
        where THandler : class, IJobHandler => services.AddSingleton<IJobHandler, THandler>();
}
