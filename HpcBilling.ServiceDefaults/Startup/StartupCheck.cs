using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Startup;

/// <summary>Before anything is served: every setting that is missing or wrong is named at once, and what is in force is said without its secrets.</summary>
public static class StartupCheck
{
    private const string Wrapping = "with the error: '";

    /// <summary>Names a setting without which the service cannot do its work.</summary>
    /// <param name="builder">The service's builder.</param>
    /// <param name="key">With colons: <c>ConnectionStrings:rabbitmq</c>.</param>
    /// <param name="why">What could not be done without it.</param>
    /// <returns>Its value; empty when it is missing, and then the service does not start.</returns>
    public static string Require(this WebApplicationBuilder builder, string key, string why)
    {
        builder.Services.AddSingleton(new RequiredSetting(key, why));
        return builder.Configuration[key] ?? "";
    }

    /// <exception cref="InvalidOperationException">A setting is missing or wrong; the message has a line for each.</exception>
    public static WebApplication CheckSettings(this WebApplication app)
    {
        string[] faults =
        [
            .. app.Services.GetServices<RequiredSetting>().Where(setting => string.IsNullOrEmpty(app.Configuration[setting.Key]))
                .Select(setting => $"{setting.Key} is missing: {setting.Why}").Distinct(),
            .. OptionFaults(app.Services),
        ];
        string service = app.Services.GetRequiredService<ServiceIdentity>().Name;
        if (faults.Length > 0)
            throw new InvalidOperationException($"{service} cannot start:\n" + string.Join('\n', faults.Select(fault => "  " + Reason(fault))));

        ILogger log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(StartupCheck));
        log.LogInformation(
            "{Service} starts in {Environment} with {Settings}", service, app.Environment.EnvironmentName, SettingsSummary.Of(app.Configuration));
        return app;
    }

    // The framework wraps the reason that an attribute gives.
    private static string Reason(string fault)
    {
        int start = fault.IndexOf(Wrapping, StringComparison.Ordinal);
        return start < 0 ? fault : fault[(start + Wrapping.Length)..].TrimEnd('.').TrimEnd('\'');
    }

    private static IEnumerable<string> OptionFaults(IServiceProvider services)
    {
        try
        {
            services.GetService<IStartupValidator>()?.Validate();
            return [];
        }
        catch (OptionsValidationException one)
        {
            return one.Failures;
        }
        catch (AggregateException several)
        {
            return several.InnerExceptions.SelectMany(fault => fault is OptionsValidationException options ? options.Failures : [fault.Message]);
        }
        catch (InvalidOperationException unreadable)
        {
            return [unreadable.Message]; // a value that is no number, no id …; the message names its key
        }
    }

    private sealed record RequiredSetting(string Key, string Why);
}
