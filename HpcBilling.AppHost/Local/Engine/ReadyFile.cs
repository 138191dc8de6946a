using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>Tells other programs that the system is ready and where: .local/run/ready.json, replaced at every change.</summary>
internal sealed class ReadyFile(StateDirectory state, ResourceBoard board, Readiness readiness, SignIns signIns, string operatorUrl)
{
    internal static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    public static void Delete(StateDirectory state)
    {
        if (Directory.Exists(state.Run))
            File.Delete(PathIn(state.Path));
    }

    internal static string PathIn(string statePath) => Path.Combine(statePath, "run", "ready.json");

    /// <summary>Writes it from the first time the system is ready until cancelled, and announces that first time.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        board.Listen((_, _) => changes.Writer.TryWrite(true));
        changes.Writer.TryWrite(true);
        try
        {
            var announced = false;
            await foreach (var change in changes.Reader.ReadAllAsync(cancellationToken))
            {
                if (!announced && !readiness.IsReady)
                    continue;
                PrivateFile.Write(PathIn(state.Path), JsonSerializer.SerializeToUtf8Bytes(Content(), Format));
                if (!announced)
                    ConsoleReport.Ready(signIns, operatorUrl);
                announced = true;
            }
        }
        catch (OperationCanceledException)
        {
            // The caller deletes the file.
        }
    }

    private AppHostReady Content() => new()
    {
        Ready = readiness.IsReady,
        Url = signIns.Url,
        OperatorUrl = operatorUrl,
        AppHostPid = Environment.ProcessId,
        CaFile = signIns.AuthorityFile,
        SignInsFile = signIns.File,
        CliProfileFile = signIns.CliProfileFile,
        Resources = board.Snapshot().ToDictionary(status => status.Name),
    };
}

/// <summary>Content of ready.json.</summary>
public sealed record AppHostReady
{
    public required bool Ready { get; init; }

    /// <summary>The gateway, https.</summary>
    public required string Url { get; init; }

    /// <summary>The operator's page, with the token that opens it.</summary>
    public required string OperatorUrl { get; init; }

    public required int AppHostPid { get; init; }

    public required string CaFile { get; init; }

    /// <summary>JSON array of user and password.</summary>
    public required string SignInsFile { get; init; }

    /// <summary>Null outside Development.</summary>
    public string? CliProfileFile { get; init; }

    public required IReadOnlyDictionary<string, ResourceStatus> Resources { get; init; }
}
