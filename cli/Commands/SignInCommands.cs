using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;
using Spectre.Console;
using Profile = HpcBilling.Cli.Gateway.Profile;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb login|logout|whoami</c>: an access token made in the browser is kept for the commands.</summary>
internal static class SignInCommands
{
    public static Command CreateLogin(Terminal terminal)
    {
        var url = new Option<string?>("--url") { HelpName = "URL", Description = "Address of the gateway" };
        var caFile = new Option<FileInfo?>("--ca-file") { HelpName = "PEM", Description = "Certificate authority to trust besides the system's" };
        var login = new Command("login", "Keep an access token; reads it from standard input when that is no terminal") { url, caFile };
        login.SetAction((parsed, cancellationToken) => LoginAsync(terminal, parsed.GetValue(url), parsed.GetValue(caFile), cancellationToken));
        return login;
    }

    public static Command CreateLogout(Terminal terminal)
    {
        var logout = new Command("logout", "Forget the kept access token");
        logout.SetAction(_ =>
        {
            terminal.Line(ProfileFile.Delete()
                ? $"{ProfileFile.Location} is gone. The token itself works until it is revoked on the account page."
                : "No one was signed in.");
            return ExitCode.Ok;
        });
        return logout;
    }

    public static Command CreateWhoami(Terminal terminal, Option<bool> json)
    {
        var whoami = new Command("whoami", "Who the token stands for") { json };
        whoami.SetAction(async (parsed, cancellationToken) =>
        {
            using GatewayClient gateway = GatewayClient.Open();
            JsonObject user = await gateway.GetAsync("connect/userinfo", cancellationToken);
            if (parsed.GetValue(json)) terminal.Json(user);
            else terminal.Facts(("User", Name(user)), ("Role", user["role"]?.ToString()), ("Gateway", gateway.Url.ToString()));
            return ExitCode.Ok;
        });
        return whoami;
    }

    private static async Task<int> LoginAsync(Terminal terminal, string? url, FileInfo? caFile, CancellationToken cancellationToken)
    {
        Uri gatewayUrl = Profile.ParseUrl(url ?? Environment.GetEnvironmentVariable("HPCB_URL") ?? await AskForUrlAsync(terminal, cancellationToken));
        string token = await ReadTokenAsync(terminal, gatewayUrl, cancellationToken);
        var profile = new Profile(gatewayUrl, token, Profile.CaFilesOf(caFile?.FullName));
        using GatewayClient gateway = GatewayClient.Open(profile);
        JsonObject user = await gateway.GetAsync("connect/userinfo", cancellationToken);
        new ProfileFile(gatewayUrl.ToString(), token, caFile?.FullName).Write();
        terminal.Line($"Signed in to {gatewayUrl} as {Name(user)}; kept in {Path.GetFullPath(ProfileFile.Location)}.");
        return ExitCode.Ok;
    }

    private static string Name(JsonObject user) => user["preferred_username"]?.ToString() ?? user["sub"]?.ToString() ?? "an unnamed user";

    private static async Task<string> AskForUrlAsync(Terminal terminal, CancellationToken cancellationToken) => Console.IsInputRedirected
        ? throw new CommandFailedException(ExitCode.Usage, "say which gateway with --url")
        : await new TextPrompt<string>("Address of the gateway (https://…):").ShowAsync(terminal.Prompt, cancellationToken);

    private static async Task<string> ReadTokenAsync(Terminal terminal, Uri gateway, CancellationToken cancellationToken)
    {
        string? token;
        if (Console.IsInputRedirected)
        {
            token = await Console.In.ReadLineAsync(cancellationToken);
        }
        else
        {
            terminal.Prompt.WriteLine($"Create an access token on {gateway}account/tokens and paste it here; it is not shown.");
            token = await new TextPrompt<string>("Access token:").Secret(null).ShowAsync(terminal.Prompt, cancellationToken);
        }

        token = token?.Trim();
        // Anything but letters of a token would break the request line; a paste gone wrong is told here.
        if (string.IsNullOrEmpty(token) || token.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c > '~'))
            throw new CommandFailedException(ExitCode.Usage, "that is no access token");
        return token;
    }
}
