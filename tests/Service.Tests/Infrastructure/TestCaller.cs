using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.Service.Tests.Infrastructure;

/// <summary>Somebody who calls a service.</summary>
public sealed record TestCaller(Guid OrgId, Guid UserId, string Username, string Role, string Scopes)
{
    public static TestCaller Admin(Guid? org = null) =>
        new(org ?? Orgs.Default, new Guid("01900000-0000-7000-8000-00000000000a"), "admin", "admin", string.Join(' ', Policies.Scopes));

    public static TestCaller User(string username, Guid? org = null) =>
        new(org ?? Orgs.Default, Guid.CreateVersion7(), username, "user", "usage.read receipts.read receipts.write payments.write");
}
