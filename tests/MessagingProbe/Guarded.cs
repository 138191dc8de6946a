using HpcBilling.ServiceDefaults.Auth;

namespace HpcBilling.MessagingProbe;

/// <summary>Endpoints behind each kind of policy, and one whose author forgot it.</summary>
internal static class Guarded
{
    public static void Map(WebApplication app)
    {
        app.MapGet("/whoami", (Caller caller) => caller).RequireAuthorization(Policies.User);
        app.MapGet("/admins", () => "admin").RequireAuthorization(Policies.Admin);
        app.MapGet("/writers", () => "writer").RequireAuthorization(Policies.Scope("usage.write"));
        app.MapGet("/written-by", (Caller caller) => caller.Username).RequireAuthorization(Policies.Scope("usage.write"));
        app.MapGet("/forgotten", () => "nobody said who may read this");
    }
}
