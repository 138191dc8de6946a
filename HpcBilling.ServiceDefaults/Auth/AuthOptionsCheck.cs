using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>Names every key of the section that is wrong, and why; the process does not start.</summary>
internal sealed class AuthOptionsCheck(IHostEnvironment environment) : IValidateOptions<AuthOptions>
{
    public ValidateOptionsResult Validate(string? name, AuthOptions options)
    {
        string[] faults = [.. Faults(options)];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private IEnumerable<string> Faults(AuthOptions options)
    {
        if (options.Authority is null && (options.MetadataAddress is null || options.Issuer is null))
            yield return "Auth:Authority (or Auth:MetadataAddress with Auth:Issuer) is missing: no token could be checked";
        if (options.DevelopmentSecret is not null && !environment.IsDevelopment())
            yield return $"Auth:DevelopmentSecret is for Development and this is {environment.EnvironmentName}: whoever knows it could be anybody. Remove it";

        bool httpsOnly = environment.IsProduction();
        foreach (string fault in options.Issuers.SelectMany((issuer, index) => issuer.Faults($"Auth:Issuers:{index}", httpsOnly))) yield return fault;
        string[] names = [.. options.Issuers.Select(issuer => issuer.Authority), options.IssuerName ?? "", DevelopmentTokens.Issuer];
        foreach (string twice in names.GroupBy(issuer => issuer, StringComparer.Ordinal).Where(same => same.Count() > 1).Select(same => same.Key))
            yield return $"Auth:Issuers: {twice} stands there twice, or is the site's own issuer (Auth:Issuer, Auth:Authority)";
    }
}
