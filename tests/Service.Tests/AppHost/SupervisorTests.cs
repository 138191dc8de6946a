using System.Collections.Concurrent;
using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class SupervisorTests : IDisposable
{
    private const string Forever = "exec sleep 600";
    private static readonly RestartPolicy Impatient = new() { FirstPause = TimeSpan.FromMilliseconds(5), LongestPause = TimeSpan.FromMilliseconds(20), AttemptsMax = 4 };

    private readonly TemporaryDirectory _directory = new();
    private readonly StateDirectory _state;
    private readonly ResourceBoard _board = new();
    private readonly List<Supervisor> _all = [];
    private readonly CancellationTokenSource _stop = new();

    public SupervisorTests() => _state = StateDirectory.Open(_directory.File("state"));

    public void Dispose()
    {
        _stop.Dispose();
        foreach (var supervisor in _all)
            supervisor.Log.Dispose();
        _state.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task What_was_killed_is_started_again()
    {
        Supervise(new FakeManaged("service", Forever));
        var running = RunAsync();
        await UpAsync("service");
        var first = _board.Find("service")!.Pid!.Value;

        System.Diagnostics.Process.GetProcessById(first).Kill();

        await Eventually.IsTrueAsync(() => _board.Find("service") is { IsUp: true, Pid: { } pid } && pid != first, "it is up with another pid");
        Assert.Equal(1, _board.Find("service")!.Restarts);
        Assert.Equal(137, _board.Find("service")!.ExitCode);
        await StopAsync(running);
    }

    [Fact]
    public async Task What_never_works_is_given_up_and_its_last_words_are_kept()
    {
        var broken = new FakeManaged("broken", "echo out of cheese; exit 3", healthy: false);
        var supervisor = Supervise(broken);

        await RunAsync();

        Assert.Equal(ResourceState.Failed, _board.Find("broken")!.State);
        Assert.Equal(Impatient.AttemptsMax, broken.Starts);
        Assert.Contains("out of cheese", supervisor.Log.Recent());
    }

    [Fact]
    public async Task Nothing_starts_before_what_it_waits_for_and_everything_stops_before_it()
    {
        var events = new ConcurrentQueue<string>();
        var service = Supervise(new FakeManaged("service", Forever) { Events = events });
        var migration = Supervise(new FakeManaged("migration", "exit 0", runsToCompletion: true) { Events = events });
        var database = Supervise(new FakeManaged("database", Forever) { Events = events });
        migration.DependOn(database, completed: false);
        service.DependOn(migration, completed: true);

        var running = RunAsync();
        await UpAsync("service");
        await StopAsync(running);

        await Eventually.IsTrueAsync(() => events.Count == 6, "all ends are noted");
        Assert.Equal(["database started", "migration started", "migration ended", "service started", "service ended", "database ended"], events);
    }

    [Fact]
    public async Task A_service_whose_migration_fails_is_never_started()
    {
        var service = new FakeManaged("service", Forever);
        var dependent = Supervise(service);
        dependent.DependOn(Supervise(new FakeManaged("migration", "exit 1", runsToCompletion: true)), completed: true);

        var running = RunAsync();
        await Eventually.IsTrueAsync(() => _board.Find("migration")!.State == ResourceState.Failed, "the migration is given up");

        Assert.Equal(0, service.Starts);
        await StopAsync(running);
    }

    [Fact]
    public async Task A_process_that_ignores_the_request_to_end_is_killed_with_its_children()
    {
        var stubborn = await ChildProcess.StartAsync(
            new ProcessSpec
            {
                FileName = "/bin/sh",
                Arguments = ["-c", "trap '' TERM; sleep 600 & echo child $!; while :; do wait; done"],
                StopDeadline = TimeSpan.FromMilliseconds(300),
            },
            line => _lines.Enqueue(line));
        await Eventually.IsTrueAsync(() => !_lines.IsEmpty, "it says who its child is");
        var child = ProcessIdentity.Of(int.Parse(_lines.First()["child ".Length..], System.Globalization.CultureInfo.InvariantCulture))!;

        await stubborn.DisposeAsync();

        await Eventually.IsTrueAsync(() => !child.IsAlive, "the child is gone");
    }

    [Fact]
    public async Task The_operator_can_hold_release_and_restart_one()
    {
        var managed = new FakeManaged("service", Forever);
        var supervisor = Supervise(managed);
        var running = RunAsync();
        await UpAsync("service");

        supervisor.Hold();
        await Eventually.IsTrueAsync(() => _board.Find("service")!.State == ResourceState.Stopped, "it is held");
        supervisor.Release();
        await UpAsync("service");
        supervisor.Restart();

        await Eventually.IsTrueAsync(() => managed.Starts == 3 && _board.Find("service")!.IsUp, "it is up for the third time");
        await StopAsync(running);
    }

    [Theory]
    [InlineData(1, 200)]
    [InlineData(2, 400)]
    [InlineData(5, 3200)]
    [InlineData(9, 30_000)]
    [InlineData(1000, 30_000)]
    public void Pauses_double_up_to_half_a_minute(int failures, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), new RestartPolicy().PauseAfter(failures));

    private readonly ConcurrentQueue<string> _lines = [];

    private Supervisor Supervise(FakeManaged managed)
    {
        var log = new ResourceLog(Path.Combine(_state.Logs, $"{managed.Name}.log"));
        var supervisor = new Supervisor(managed, log, _state, _board, Impatient, TimeProvider.System);
        _all.Add(supervisor);
        return supervisor;
    }

    private Task RunAsync() => Task.WhenAll(_all.Select(supervisor => supervisor.RunAsync(_stop.Token, CancellationToken.None)));

    private Task UpAsync(string name) => Eventually.IsTrueAsync(() => _board.Find(name)!.IsUp, $"{name} is up");

    private async Task StopAsync(Task running)
    {
        await _stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(20));
    }
}
