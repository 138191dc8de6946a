using System.CommandLine;
using System.Text.Json.Nodes;
using HpcBilling.Cli.Gateway;
using HpcBilling.Cli.Output;

namespace HpcBilling.Cli.Commands;

/// <summary><c>hpcb jobs show</c>: what became of an import.</summary>
internal static class JobsCommands
{
    public static Command CreateJobs(Terminal terminal, Option<bool> json)
    {
        var id = new Argument<Guid>("ID");
        var show = new Command("show", "State, progress and counts of one job") { id, json };
        show.SetAction((parsed, cancellationToken) => ShowAsync(terminal, parsed.GetRequiredValue(id), parsed.GetValue(json), cancellationToken));
        return new Command("jobs", "Imports and other long work") { show };
    }

    private static async Task<int> ShowAsync(Terminal terminal, Guid id, bool isJson, CancellationToken cancellationToken)
    {
        using GatewayClient gateway = GatewayClient.Open();
        JsonObject job = await gateway.GetAsync($"api/v1/jobs/{id}", cancellationToken);
        if (isJson) terminal.Json(job);
        else terminal.Facts([.. job.Where(fact => fact.Value is not null).Select(fact => (fact.Key, (string?)fact.Value!.ToString()))]);
        return ExitCode.Ok;
    }
}
