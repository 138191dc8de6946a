using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Tokens;

/// <summary>Names every key of the machine clients that is wrong, and why; the process does not start.</summary>
internal sealed class TokenOptionsCheck : IValidateOptions<IdentityOptions>
{
    public ValidateOptionsResult Validate(string? name, IdentityOptions options)
    {
        string[] faults =
        [
            .. options.Clients.SelectMany((client, index) => client.Faults($"Identity:Clients:{index}")),
            .. options.Clients.GroupBy(client => client.Id, StringComparer.Ordinal).Where(same => same.Count() > 1)
                .Select(same => $"Identity:Clients: {same.Key} stands there twice"),
        ];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
