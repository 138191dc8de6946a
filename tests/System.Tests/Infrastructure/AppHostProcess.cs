using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>The AppHost as a process of its own on a private state folder and free ports.</summary>
public sealed class AppHostProcess : IAsyncDisposable
{
    private readonly StringBuilder log = new();
    private readonly Process process;
    private readonly string state;

    private AppHostProcess(Process process, string state) => (this.process, this.state) = (process, state);

    public static async Task<AppHostProcess> StartAsync(string state, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in (string[])[Repository.AppHost, "--state", state, "--https-port", "0", "--http-port", "0", "--operator-port", "0", "--environment", "Development"])
            start.ArgumentList.Add(argument);
        foreach ((string key, string value) in environment) start.Environment[key] = value;
        var host = new AppHostProcess(new Process { StartInfo = start }, state);
        host.process.OutputDataReceived += (_, line) => host.Append(line.Data);
        host.process.ErrorDataReceived += (_, line) => host.Append(line.Data);
        host.process.Start();
        host.process.BeginOutputReadLine();
        host.process.BeginErrorReadLine();
        try
        {
            await Wait.UntilAsync("the system is ready", async () =>
            {
                if (host.process.HasExited) throw new InvalidOperationException($"the AppHost ended with {host.process.ExitCode}");
                using JsonDocument? ready = await host.ReadyAsync();

                // The demo data are in the books before the tests look at them.
                return ready?.RootElement.GetProperty("ready").GetBoolean() == true
                    && ready.RootElement.GetProperty("resources").GetProperty("demo-data").GetProperty("state").GetString() == "Finished";
            }, seconds: 180);
        }
        catch (Exception failure)
        {
            await host.DisposeAsync();
            throw new InvalidOperationException($"{failure.Message}\n{host.log}", failure);
        }

        return host;
    }

    /// <summary>What the AppHost says of its resources right now; null before it has said anything.</summary>
    public async Task<JsonDocument?> ReadyAsync()
    {
        string file = Path.Combine(state, "run", "ready.json");
        return File.Exists(file) ? JsonDocument.Parse(await File.ReadAllTextAsync(file)) : null;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            using Process kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            await kill.WaitForExitAsync();
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }

    private void Append(string? line)
    {
        lock (log) log.AppendLine(line);
    }
}
