namespace HpcBilling.ServiceDefaults;

/// <summary>Tenants known before anybody creates one.</summary>
public static class Orgs
{
    /// <summary>The only org of a single-site installation.</summary>
    public static readonly Guid Default = new("01900000-0000-7000-8000-000000000001");
}
