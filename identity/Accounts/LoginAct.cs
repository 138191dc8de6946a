using HpcBilling.ServiceDefaults.Auditing;

namespace HpcBilling.Identity.Accounts;

/// <summary>Audit acts of somebody who is not signed in.</summary>
internal static class LoginAct
{
    // What was typed as a name may be a password typed in the wrong field: only the name of an account goes into the log.
    private const string UnknownName = "unknown";

    public static AuditAct Of(Account? account, string action, string ipAddress, params (string Name, string Value)[] details)
    {
        string who = account?.Username ?? UnknownName;
        return new AuditAct(who, action, "user:" + who, Facts.Of(details), ipAddress);
    }
}
