namespace HpcBilling.Gateway.Routes;

/// <summary>What the gateway does at a route's door.</summary>
internal enum RouteKind
{
    /// <summary>A page for anybody; whoever is signed in is known to it.</summary>
    Page,

    /// <summary>A page for the signed-in; a browser without a session is led to the sign-in.</summary>
    SignedInPage,

    /// <summary>Called by programs and scripts; a session's unsafe calls carry the antiforgery header.</summary>
    Api,

    /// <summary>OAuth: clients bring credentials of their own; a session counts for nothing.</summary>
    OAuth,

    /// <summary>The same for everybody: no credential passes.</summary>
    Anonymous,
}
