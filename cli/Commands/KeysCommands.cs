using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb keys list</c> and <c>hpcb keys rotate</c>: the keys that sign the site's access tokens.</summary>
internal static class KeysCommands
{
    private const string Path = "api/v1/signing-keys";

    public static Command Create(Terminal terminal, Option<bool> json)
    {
        var list = new Command("list", "Keys, newest first: published, signing, retiring or retired") { json };
        list.SetAction((parsed, cancellationToken) => ListAsync(terminal, parsed.GetValue(json), cancellationToken));

        var now = new Option<bool>("--now")
        {
            Description = "A key is lost or known to somebody: drop all keys at once; people work on after a minute, machines ask for new tokens",
        };
        var rotate = new Command("rotate", "Publish a new key, which takes over later; no token is refused meanwhile") { now, json };
        rotate.SetAction((parsed, cancellationToken) => RotateAsync(terminal, parsed.GetValue(now), parsed.GetValue(json), cancellationToken));
        return new Command("keys", "Keys that sign access tokens (admins of the site; scope keys.write)") { list, rotate };
    }

    private static async Task<int> ListAsync(Terminal terminal, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        JsonObject keys = await gateway.GetAsync(Path, cancellationToken);
        if (isJson)
        {
            terminal.Json(keys);
            return ExitCode.Ok;
        }

        terminal.Table(
            [Terminal.Left("Key"), Terminal.Left("State"), Terminal.Left("Created"), Terminal.Left("Signs from"), Terminal.Left("Retires")],
            keys.As<KeyList>().Items.Select(key => new[] { key.KeyId, key.State, key.CreatedAt, key.SignsFrom, key.RetiresAt }));
        return ExitCode.Ok;
    }

    private static async Task<int> RotateAsync(Terminal terminal, bool atOnce, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        JsonObject answer = await gateway.PostAsync(Path, new JsonObject { ["now"] = atOnce }, idempotencyKey: null, cancellationToken);
        if (isJson)
        {
            terminal.Json(answer);
            return ExitCode.Ok;
        }

        Rotated rotated = answer.As<Rotated>();
        terminal.Line(atOnce
            ? $"{rotated.KeyId} signs; every key before it is dropped. Services refuse the old keys' tokens as soon as they have fetched the keys again."
            : $"{rotated.KeyId} is published and signs from {rotated.SignsFrom}; the key before stays published until {rotated.PreviousRetiresAt}.");
        return ExitCode.Ok;
    }

    private sealed record KeyList(IReadOnlyList<Key> Items);

    private sealed record Key(string KeyId, string State, string CreatedAt, string SignsFrom, string? RetiresAt);

    private sealed record Rotated(string KeyId, string SignsFrom, string PreviousRetiresAt);
}
