using System.CommandLine;
using System.CommandLine.Invocation;
using HpcBilling.Cli;
using HpcBilling.Cli.Commands;
using HpcBilling.Cli.Output;

var terminal = new Terminal(Console.Out, Console.Error);
var json = new Option<bool>("--json") { Description = "Print JSON for scripts" };
var root = new RootCommand("HPC billing from the command line. Sign in with `hpcb login` first.\n" + ExitCode.Help)
{
    SignInCommands.CreateLogin(terminal), SignInCommands.CreateLogout(terminal), SignInCommands.CreateWhoami(terminal, json),
    ImportCommand.Create(terminal, json), ExportCommand.Create(terminal, json),
    JobsCommands.CreateJobs(terminal, json), QuarantineCommands.Create(terminal, json),
    ClusterCommands.CreateClusters(terminal, json), ClusterCommands.CreateBackfill(terminal, json), SourceCommands.Create(terminal, json), ReconcileCommand.Create(terminal, json),
    UsageCommand.Create(terminal, json),
    ReceiptsCommand.Create(terminal, json),
    RatesCommands.CreateRates(terminal, json), RatesCommands.CreateEstimate(terminal, json),
    AuditCommands.Create(terminal, json),
    KeysCommands.Create(terminal, json), DevTokenCommand.Create(terminal),
};

ParseResult parsed = root.Parse(args);
if (parsed.Action is ParseErrorAction mistake) mistake.ShowHelp = args.Length == 0;
try
{
    int exitCode = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    return parsed.Action is ParseErrorAction ? ExitCode.Usage : exitCode;
}
catch (CommandFailedException failure)
{
    terminal.Warn(failure.Message);
    return failure.Code;
}
catch (OperationCanceledException)
{
    terminal.Warn("stopped");
    return ExitCode.Cancelled;
}
