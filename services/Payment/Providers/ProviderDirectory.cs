namespace HpcBilling.Payment.Providers;

/// <summary>The providers that this environment has.</summary>
internal sealed class ProviderDirectory(IEnumerable<IPaymentProvider> providers)
{
    private readonly Dictionary<string, IPaymentProvider> byName = providers.ToDictionary(provider => provider.Name, StringComparer.Ordinal);

    /// <summary>Where new checkouts go; null where no provider is set up, so that receipts are settled by hand alone.</summary>
    public IPaymentProvider? Preferred => byName.Values.FirstOrDefault();

    public IPaymentProvider? Find(string name) => byName.GetValueOrDefault(name);
}
