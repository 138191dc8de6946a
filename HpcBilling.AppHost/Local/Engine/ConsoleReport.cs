using System.Globalization;
using HpcBilling.AppHost.Local.Operator;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>What the person at the terminal sees: few lines, one a change that matters.</summary>
internal sealed class ConsoleReport(bool showLogs, TimeProvider clock)
{
    private const int NameWidth = 18;
    private const int TailLines = 20;
    private readonly long _begin = clock.GetTimestamp();

    public static void Say(string text) => Console.WriteLine(text);

    public void Attach(Supervisor supervisor)
    {
        if (showLogs)
            supervisor.Log.Listen(line => Console.WriteLine($"{supervisor.Name,-NameWidth}│ {LogText.Readable(line)}"));
    }

    public void Show(ResourceStatus old, ResourceStatus now)
    {
        var text = (old, now) switch
        {
            (_, { State: ResourceState.Finished }) when old.State != now.State => "finished",
            (_, { State: ResourceState.Running, Health: Health.Healthy }) when old.Health != now.Health => "healthy",
            (_, { Health: Health.Unhealthy }) when old.Health != now.Health => $"not healthy: {now.Message}",
            (_, { State: ResourceState.BackingOff }) when old.State != now.State => $"{now.Message}; starting it again",
            (_, { State: ResourceState.Failed }) when old.State != now.State => $"failed: {now.Message}",
            _ => null,
        };
        if (text is not null)
            Say(string.Create(CultureInfo.InvariantCulture, $"{clock.GetElapsedTime(_begin).TotalSeconds,7:0.0} s  {now.Name,-NameWidth} {text}"));
    }

    public static void Ready(SignIns signIns, string operatorUrl)
    {
        Say("");
        Say($"  HpcBilling is ready:  {signIns.Url}");
        Say($"  Operator's page:      {operatorUrl}");
        foreach (var person in signIns.People)
            Say($"  Sign in:              {person.User,-8} {person.Password}");
        Say($"  Browsers trust it by: {signIns.AuthorityFile}");
        Say("  Ctrl-C stops everything; data are kept.");
        Say("");
    }

    public static void Failed(ResourceBoard board, IReadOnlyList<Supervisor> supervisors)
    {
        foreach (var name in board.Snapshot().Where(status => status.State == ResourceState.Failed).Select(status => status.Name))
        {
            Console.Error.WriteLine($"{name} could not be started. The end of its log:");
            foreach (var line in supervisors.First(supervisor => supervisor.Name == name).Log.Recent(TailLines))
                Console.Error.WriteLine($"  {line}");
        }
    }
}
