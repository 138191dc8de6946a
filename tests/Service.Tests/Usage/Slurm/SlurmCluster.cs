using System.Diagnostics;
using System.Net.Sockets;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>
/// A real cluster of two nodes on this machine: private folder, free loopback ports, no system service. Jobs run under users that every
/// machine has. Stopped by the ids of the processes that were started here.
/// </summary>
internal sealed class SlurmCluster : IAsyncDisposable
{
    public const string Name = "testcluster";

    private const string Munge = "munge";
    private const string SlurmUser = "slurm";

    private readonly SlurmFiles files = new(Directory.CreateTempSubdirectory("hpcb-slurm-").FullName);
    private readonly List<Process> daemons = [];
    private Process? restDaemon;

    private SlurmCluster()
    {
    }

    public string Conf => files.SlurmConf;

    public string TokenFile => files.Token;

    public Uri RestAddress => new($"http://127.0.0.1:{files.RestPort}");

    public static async Task<SlurmCluster> StartAsync()
    {
        var cluster = new SlurmCluster();
        try
        {
            await cluster.StartAllAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task StartRestAsync()
    {
        // It refuses to run as root.
        restDaemon = Launch(["SLURM_JWT=daemon"], "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", "/usr/sbin/slurmrestd", "-a", "rest_auth/jwt", $"127.0.0.1:{files.RestPort}");
        await Wait.UntilAsync("slurmrestd listens", () => IsOpenAsync(files.RestPort));
    }

    public async Task StopRestAsync() => await EndAsync(restDaemon!);

    /// <summary>Submits a job for a user.</summary>
    /// <returns>Its id.</returns>
    public async Task<long> SubmitAsync(string user, params string[] arguments) =>
        long.Parse((await AsAsync(user, ["sbatch", "--parsable", "--output=/dev/null", "--chdir=/", .. arguments])).Split(';')[0], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Runs one of Slurm's tools as root.</summary>
    public Task<string> RunAsync(params string[] command) => ExecuteAsync(command);

    public Task<string> AsAsync(string user, params string[] command) =>
        ExecuteAsync(["setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups", "--", .. command]);

    /// <summary>What slurmdbd's own database says.</summary>
    public Task<string> SqlAsync(string sql) => ExecuteAsync(["mariadb", "--no-defaults", $"--socket={files.MariaSocket}", "--user=root", "--batch", "--skip-column-names", "slurm_acct_db", "-e", sql]);

    public Task UntilStateAsync(long job, string state) => Wait.UntilAsync(
        $"job {job} is {state}", async () => (await RunAsync("squeue", "--noheader", $"--jobs={job}", "--states=all", "--format=%T")).Trim() == state);

    public Task UntilIdleAsync() => Wait.UntilAsync("all jobs have ended", async () => (await RunAsync("squeue", "--noheader")).Trim().Length == 0, seconds: 120);

    public async ValueTask DisposeAsync()
    {
        // What a job has started outlives the node's daemon.
        try
        {
            await RunAsync("scancel", "--quiet", $"--clusters={Name}", "--user=daemon");
            await RunAsync("scancel", "--quiet", $"--clusters={Name}", "--user=games");
            await UntilIdleAsync();
        }
        catch (Exception failure) when (failure is InvalidOperationException or TimeoutException)
        {
            // It never came up, or a job hangs; the folder goes all the same.
        }

        foreach (Process daemon in Enumerable.Reverse(daemons)) await EndAsync(daemon);
        Directory.Delete(files.Folder, recursive: true);
    }

    private async Task StartAllAsync()
    {
        await files.WriteAsync();
        await ExecuteAsync(["chown", $"{Munge}:{Munge}", files.MungeFolder, files.MungeKey]);
        await ExecuteAsync(["chown", "-R", $"{SlurmUser}:{SlurmUser}", files.StateFolder, files.MariaFolder, files.JwtKey, files.DbdConf]);

        Launch([], "setpriv", $"--reuid={Munge}", $"--regid={Munge}", "--clear-groups", "--", "/usr/sbin/munged", "--foreground", "--force", $"--key-file={files.MungeKey}",
            $"--socket={files.MungeSocket}", $"--pid-file={files.MungeFolder}/pid", $"--log-file={files.MungeFolder}/log", $"--seed-file={files.MungeFolder}/seed");
        await StartDatabaseAsync();
        await UntilRunsAsync("munge", "--socket", files.MungeSocket, "--no-input");

        Launch([], "/usr/sbin/slurmdbd", "-D");
        await UntilRunsAsync("sacctmgr", "--noheader", "show", "cluster");
        await RunAsync("sacctmgr", "--immediate", "add", "cluster", Name);
        Launch([], "/usr/sbin/slurmctld", "-D");
        await UntilRunsAsync("scontrol", "ping");
        foreach (string node in SlurmFiles.Nodes) Launch([], "/usr/sbin/slurmd", "-D", "-N", node);
        await RunAsync("sacctmgr", "--immediate", "add", "account", "physics,chem");
        await RunAsync("sacctmgr", "--immediate", "add", "user", "daemon", "account=physics,chem", "defaultaccount=physics");
        await RunAsync("sacctmgr", "--immediate", "add", "user", "games", "account=chem", "defaultaccount=chem");
        await Wait.UntilAsync("the nodes are idle", async () => (await RunAsync("sinfo", "--noheader", "--Node", "--format=%T")).Split('\n', StringSplitOptions.RemoveEmptyEntries).All(state => state == "idle"));
        string token = await RunAsync("scontrol", "token", $"username={SlurmUser}", "lifespan=3600");
        await File.WriteAllTextAsync(files.Token, token);
        await StartRestAsync();
    }

    private async Task StartDatabaseAsync()
    {
        await ExecuteAsync(["mariadb-install-db", "--no-defaults", $"--user={SlurmUser}", $"--datadir={files.MariaFolder}", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]);
        Launch([], "/usr/sbin/mariadbd", "--no-defaults", $"--user={SlurmUser}", $"--datadir={files.MariaFolder}", $"--socket={files.MariaSocket}", "--bind-address=127.0.0.1",
            $"--port={files.MariaPort}", "--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=64M", "--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=900");
        string[] client = ["mariadb", "--no-defaults", $"--socket={files.MariaSocket}", "--user=root", "-e"];
        await UntilRunsAsync([.. client, "select 1"]);
        await ExecuteAsync([.. client, "create database slurm_acct_db; create user 'slurm'@'127.0.0.1' identified by 'private'; grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1'"]);
    }

    private Task UntilRunsAsync(params string[] command) => Wait.UntilAsync($"{command[0]} works", async () =>
    {
        try
        {
            await ExecuteAsync(["timeout", "5", .. command]);
            return true;
        }
        catch (InvalidOperationException) when (daemons.TrueForAll(daemon => !daemon.HasExited))
        {
            return false;
        }
    });

    /// <summary>Starts a daemon that believes to be on a machine of the name localhost: what it binds to "its host" is then the loopback.</summary>
    private Process Launch(string[] environment, params string[] command)
    {
        var start = new ProcessStartInfo("unshare", ["--uts", "--", "/bin/sh", "-c", "hostname localhost && exec \"$@\"", "sh", "env", .. environment, .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["SLURM_CONF"] = files.SlurmConf;
        start.Environment.Remove("SLURM_JWT");
        var daemon = Process.Start(start)!;
        daemon.OutputDataReceived += (_, _) => { };
        daemon.ErrorDataReceived += (_, _) => { };
        daemon.BeginOutputReadLine();
        daemon.BeginErrorReadLine();
        daemons.Add(daemon);
        return daemon;
    }

    private async Task EndAsync(Process daemon)
    {
        if (!daemon.HasExited) await ExecuteAsync(["kill", "-TERM", $"{daemon.Id}"]);
        try
        {
            await daemon.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        }
        catch (OperationCanceledException)
        {
            daemon.Kill(entireProcessTree: true);
        }

        daemons.Remove(daemon);
        daemon.Dispose();
    }

    private async Task<string> ExecuteAsync(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["SLURM_CONF"] = files.SlurmConf;
        start.Environment["TZ"] = "UTC";
        start.Environment.Remove("SLURM_JWT");
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)}: {await errors}{output}");
        return output;
    }

    private static async Task<bool> IsOpenAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
