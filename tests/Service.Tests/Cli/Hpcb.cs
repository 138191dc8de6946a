using System.Diagnostics;
using System.Text;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Cli;

/// <summary>The real <c>hpcb</c> process with an environment and a home of its own.</summary>
internal sealed class Hpcb : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(150);
    private static readonly string[] Inherited = ["SSL_CERT_FILE", "HPCB_URL", "HPCB_TOKEN", "HPCB_PROFILE", "XDG_CONFIG_HOME"];
    private readonly DirectoryInfo home = Directory.CreateTempSubdirectory("hpcb-test-");

    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    public string Profile => Path.Combine(home.FullName, ".config", "hpcb", "profile.json");

    public static Hpcb SignedInTo(StubGateway gateway) => new()
    {
        Environment = { ["HPCB_URL"] = gateway.Url, ["HPCB_TOKEN"] = StubGateway.Token, ["SSL_CERT_FILE"] = gateway.CaFile },
    };

    public string WriteFile(string name, string text) => WriteFile(name, Encoding.UTF8.GetBytes(text));

    public string WriteFile(string name, byte[] bytes)
    {
        string path = Path.Combine(home.FullName, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public Task<Outcome> RunAsync(params string[] arguments) => RunWithInputAsync("", arguments);

    public Task<Outcome> RunWithInputAsync(string input, params string[] arguments) => Start(input, arguments).Outcome;

    /// <summary>Starts it and returns at once; <see cref="Running.Error"/> can be watched meanwhile.</summary>
    public Running Start(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[Repository.Assembly("Cli"), .. arguments]) start.ArgumentList.Add(argument);
        foreach (string name in Inherited) start.Environment.Remove(name);
        start.Environment["HOME"] = home.FullName;
        foreach ((string name, string value) in Environment) start.Environment[name] = value;
        return new Running(Process.Start(start)!, input, Limit);
    }

    public void Dispose() => home.Delete(recursive: true);

    internal sealed record Outcome(int ExitCode, string Output, string Error);

    internal sealed class Running
    {
        private readonly StringBuilder error = new();

        public Running(Process process, string input, TimeSpan limit) => Outcome = FinishAsync(process, input, limit);

        public Task<Outcome> Outcome { get; }

        public string Error
        {
            get
            {
                lock (error) return error.ToString();
            }
        }

        private async Task<Outcome> FinishAsync(Process process, string input, TimeSpan limit)
        {
            using (process)
            {
                process.ErrorDataReceived += (_, line) =>
                {
                    lock (error) error.AppendLine(line.Data);
                };
                process.BeginErrorReadLine();
                await process.StandardInput.WriteAsync(input);
                process.StandardInput.Close();
                using var timeout = new CancellationTokenSource(limit);
                try
                {
                    string output = await process.StandardOutput.ReadToEndAsync(timeout.Token);
                    await process.WaitForExitAsync(timeout.Token);
                    return new Outcome(process.ExitCode, output, Error.Trim());
                }
                catch (OperationCanceledException late)
                {
                    process.Kill();
                    throw new TimeoutException($"hpcb did not end within {limit}: {Error}", late);
                }
            }
        }
    }
}
