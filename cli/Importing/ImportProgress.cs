using HpcBilling.Cli.Output;
using Spectre.Console;

namespace HpcBilling.Cli.Importing;

/// <summary>One bar a step, on a terminal; silence elsewhere.</summary>
internal static class ImportProgress
{
    public static Task<T> RunAsync<T>(Terminal terminal, bool isShown, Func<Action<ImportStep>, Task<T>> work)
    {
        if (!isShown) return work(_ => { });
        var bars = new Dictionary<string, ProgressTask>(StringComparer.Ordinal);
        return terminal.Out.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(context => work(step => Show(context, bars, step)));
    }

    // A bar appears when its step begins: only then is it known how much there is to do.
    private static void Show(ProgressContext context, Dictionary<string, ProgressTask> bars, ImportStep step)
    {
        if (!bars.TryGetValue(step.Name, out ProgressTask? bar))
            bars[step.Name] = bar = context.AddTask(step.Name);
        bar.MaxValue = Math.Max(1, step.Total);
        bar.Value = step.Total == 0 ? 1 : step.Done;
    }
}
