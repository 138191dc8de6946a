namespace HpcBilling.Identity.Federation;

/// <summary>Why a sign-in at another provider came to nothing; the words of the audit log in lower case.</summary>
internal enum SignInFault
{
    /// <summary>Begun in another browser, too long ago, or finished before.</summary>
    State,

    /// <summary>The provider did not sign the person in.</summary>
    Declined,

    /// <summary>The provider does not answer.</summary>
    Unreachable,

    /// <summary>Its answer does not hold: signature, issuer, audience, nonce, code.</summary>
    Unverified,

    /// <summary>Nobody here is linked with that person, and accounts are not opened by themselves.</summary>
    NotLinked,

    /// <summary>The provider names no usable Unix name.</summary>
    NoUsername,

    /// <summary>An account of that name exists and is not linked: it may be somebody else's.</summary>
    NameTaken,

    /// <summary>The account is disabled.</summary>
    Disabled,

    /// <summary>That person is linked with another account.</summary>
    LinkedElsewhere,
}

/// <summary>What the provider said is not good; the message is for the log.</summary>
internal sealed class ProviderException(SignInFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public SignInFault Fault { get; } = fault;
}
