using HpcBilling.AppHost.Local.Operator;
using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;
using HpcBilling.AppHost.Local.Tls;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>Runs a model on this machine until it is told to stop.</summary>
internal static class LocalEngine
{
    private const int ExitFailed = 1;

    public static async Task RunAsync(Model model, CancellationToken cancellationToken)
    {
        try
        {
            using var state = StateDirectory.Open(model.Options.StatePath);
            using var stop = new StopSignals(cancellationToken);
            var report = new ConsoleReport(model.Options.ShowLogs, TimeProvider.System);
            await PrepareStateAsync(state, model.Options, stop.Stopping);
            var secrets = SecretStore.Open(state.File("secrets.json"));
            model.UseSecrets(secrets);
            var ports = PortBook.Open(state.File("ports.json"));
            Allocation.AllocatePorts(model, ports);
            var tls = DevelopmentCertificates.Ensure(state.Tls, TimeProvider.System);
            using var probe = new HttpProbe(tls);
            var context = new EngineContext(state, ports, secrets, tls, probe, model.Environment.EnvironmentName);
            await SuperviseAsync(model, context, report, stop);
        }
        catch (Exception refusal) when (refusal is StateDirectoryException or DistributedApplicationException)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            Environment.ExitCode = ExitFailed;
        }
    }

    private static async Task PrepareStateAsync(StateDirectory state, AppHostOptions options, CancellationToken cancellationToken)
    {
        // The old run's last words first: nobody must take them for this run's.
        ReadyFile.Delete(state);
        var leftovers = await Leftovers.StopAsync(state, cancellationToken);
        if (leftovers > 0)
            ConsoleReport.Say($"Stopped {leftovers} processes that an earlier run left behind.");
        if (options.Reset)
        {
            state.Reset();
            ConsoleReport.Say($"Cleared {state.Path}.");
        }

        PrivateFile.Directory(options.SpoolPath);
        PrivateFile.Directory(options.SlurmSecretsPath);
        PrivateFile.Directory(options.SlurmIncomingPath);
    }

    private static async Task SuperviseAsync(Model model, EngineContext context, ConsoleReport report, StopSignals stop)
    {
        var board = new ResourceBoard();
        var supervisors = SupervisorGraph.Create(model, context, board, new RestartPolicy());
        foreach (var supervisor in supervisors)
            report.Attach(supervisor);
        board.Listen(report.Show);

        await using var page = await OperatorPage.StartAsync(board, supervisors, model.Options.OperatorPort, stop.Stopping);
        var readiness = new Readiness(board, supervisors);
        var ready = new ReadyFile(context.State, board, readiness, await SignIns.CreateAsync(model, context), page.LoginUrl);
        using var failure = new CancellationTokenSource();
        board.Listen((_, now) =>
        {
            if (now.State == ResourceState.Failed && readiness.Needs(now.Name))
                failure.CancelAfter(TimeSpan.Zero);
        });
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop.Stopping, failure.Token);
        var announcing = ready.KeepAsync(stopping.Token);
        await Task.WhenAll(supervisors.Select(supervisor => supervisor.RunAsync(stopping.Token, stop.Impatient)).Append(announcing));

        ReadyFile.Delete(context.State);
        if (failure.IsCancellationRequested)
        {
            ConsoleReport.Failed(board, supervisors);
            Environment.ExitCode = ExitFailed;
        }

        foreach (var supervisor in supervisors)
            supervisor.Log.Dispose();
        ConsoleReport.Say("Stopped.");
    }
}
