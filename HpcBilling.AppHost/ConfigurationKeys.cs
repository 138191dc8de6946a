namespace HpcBilling.AppHost;

/// <summary>Keys of the AppHost's own configuration.</summary>
internal static class ConfigurationKeys
{
    public const string HttpsPort = "HPCBILLING_HTTPS_PORT";
    public const string HttpPort = "HPCBILLING_HTTP_PORT";

    /// <summary>Section of further tenants: Slug, Name.</summary>
    public const string Orgs = "Orgs";

    /// <summary>What admins may point sources at.</summary>
    public const string Reach = "Usage:Reach";

    /// <summary>Sections of the usage service that the AppHost hands on.</summary>
    public static readonly IReadOnlyList<string> Sources = ["Usage:Sources", Reach, "Usage:Polling"];

    /// <summary>TLS part of the services' database connection strings, in Npgsql's words.</summary>
    public const string PostgresOptions = "Parameters:postgres-options";
}

/// <summary>Names of resources and parameters that are known outside AppHost.cs.</summary>
internal static class WellKnown
{
    public const string Gateway = "gateway";
    public const string AdminPassword = "admin-password";

    /// <summary>Its admin's password is the parameter <c>admin-password-SLUG</c>.</summary>
    public const string OrgAdminPassword = "admin-password-";
    public const string DemoPassword = "demo-password";
    public const string DemoToken = "demo-token";
    public const string AdminUser = "admin";

    public static readonly IReadOnlyList<string> DemoUsers = ["alice", "bob", "carol", "dave"];
}
