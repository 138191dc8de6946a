namespace HpcBilling.Cli;

/// <summary>How <c>hpcb</c> ends; part of its interface for scripts.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Unreachable = 3;
    public const int Cancelled = 130;

    public const string Help = """
        Exit codes: 0 done; 1 failed, or nothing was imported; 2 wrong usage or no sign-in profile;
        3 the gateway cannot be reached or refuses the token.
        """;
}

/// <summary>A command cannot go on; the message is all that its user needs to see.</summary>
internal sealed class CommandFailedException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    public int Code { get; } = exitCode;
}
