using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Federation;

/// <summary>Names every key of the providers that is wrong, and why; the process does not start.</summary>
internal sealed class ProviderOptionsCheck(IHostEnvironment environment) : IValidateOptions<IdentityOptions>
{
    public ValidateOptionsResult Validate(string? name, IdentityOptions options)
    {
        string[] faults =
        [
            .. options.Providers.SelectMany((provider, index) => provider.Faults($"Identity:Providers:{index}", environment.IsProduction())),
            .. options.Providers.GroupBy(provider => provider.Id, StringComparer.Ordinal).Where(same => same.Count() > 1)
                .Select(same => $"Identity:Providers: the Id {same.Key} stands there twice"),
        ];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
