using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary>
/// <c>hpcb dev-token</c>: a token for services that run in Development with the same secret as <c>Auth:DevelopmentSecret</c>. They refuse
/// to start with it anywhere else.
/// </summary>
internal static class DevTokenCommand
{
    private const string Variable = "HPCB_DEV_SECRET";
    private const int SecretBytesMin = 32;
    private const int MinutesMax = 60;
    private static readonly Guid DefaultOrg = new("01900000-0000-7000-8000-000000000001");

    public static Command Create(Terminal terminal)
    {
        var user = new Option<string>("--user") { Required = true, HelpName = "NAME", Description = "Whom the token stands for" };
        var role = new Option<string>("--role") { DefaultValueFactory = _ => "user", Description = "user or admin" };
        role.AcceptOnlyFromAmong("user", "admin");
        var minutes = new Option<int>("--minutes") { DefaultValueFactory = _ => MinutesMax, Description = $"Lifetime, 1 to {MinutesMax}" };
        var org = new Option<Guid>("--org") { DefaultValueFactory = _ => DefaultOrg, HelpName = "ID", Description = "Org; without it the site's own" };
        var command = new Command("dev-token", $"Make an access token for services in Development, from the secret in {Variable}") { user, role, minutes, org };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(minutes) is < 1 or > MinutesMax) throw new CommandFailedException(ExitCode.Usage, $"--minutes must be between 1 and {MinutesMax}");
            terminal.Verbatim(Make(parsed.GetRequiredValue(user), parsed.GetRequiredValue(role), parsed.GetValue(org), parsed.GetValue(minutes), Secret()));
            return ExitCode.Ok;
        });
        return command;
    }

    private static byte[] Secret()
    {
        byte[] secret = Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(Variable) ?? "");
        return secret.Length >= SecretBytesMin
            ? secret
            : throw new CommandFailedException(ExitCode.Usage, $"set {Variable} to the services' Auth__DevelopmentSecret, {SecretBytesMin} bytes or more");
    }

    private static string Make(string user, string role, Guid org, int minutes, byte[] secret)
    {
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["iss"] = "urn:hpcbilling:development",
            ["aud"] = "hpcbilling",
            ["sub"] = SubjectOf(org, user),
            ["preferred_username"] = user,
            ["org_id"] = org,
            ["role"] = role,
            ["iat"] = now,
            ["exp"] = now + (minutes * 60),
        };
        string text = Encode("""{"alg":"HS256","typ":"at+jwt"}"""u8.ToArray()) + "." + Encode(JsonSerializer.SerializeToUtf8Bytes(claims));
        return text + "." + Encode(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(text)));
    }

    // The same person every time, and nobody's real account: those have random ids.
    private static Guid SubjectOf(Guid org, string user)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{org} {user}"));
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }

    private static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
