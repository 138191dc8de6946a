using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.State;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class LeftoversTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly StateDirectory _state;

    public LeftoversTests() => _state = StateDirectory.Open(_directory.File("state"));

    public void Dispose()
    {
        _state.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_recorded_process_of_an_earlier_run_is_ended()
    {
        await using var child = await SleeperAsync();
        Leftovers.Record(_state, "usage", child);

        Assert.Equal(1, await Leftovers.StopAsync(_state));

        Assert.False(child.Identity.IsAlive);
        Assert.Empty(Directory.EnumerateFiles(_state.Run));
    }

    [Fact]
    public async Task A_process_without_record_is_known_by_the_state_in_its_environment()
    {
        await using var child = await SleeperAsync((Leftovers.StateVariable, _state.Id));

        Assert.Equal(1, await Leftovers.StopAsync(_state));

        Assert.False(child.Identity.IsAlive);
    }

    [Fact]
    public async Task A_stranger_that_got_a_recorded_pid_is_left_alone()
    {
        await using var stranger = await SleeperAsync((Leftovers.StateVariable, "another state"));
        Leftovers.Record(_state, "usage", stranger);
        var record = Path.Combine(_state.Run, "usage.pid.json");
        var earlier = File.ReadAllText(record).Replace(
            $"\"StartTicks\":{stranger.Identity.StartTicks}", $"\"StartTicks\":{stranger.Identity.StartTicks - 1}", StringComparison.Ordinal);
        File.WriteAllText(record, earlier);

        Assert.Equal(0, await Leftovers.StopAsync(_state));

        Assert.True(stranger.Identity.IsAlive);
    }

    [Fact]
    public async Task A_record_cut_short_by_a_crash_stops_nothing()
    {
        await File.WriteAllTextAsync(Path.Combine(_state.Run, "usage.pid.json"), "{ \"Process\"");

        Assert.Equal(0, await Leftovers.StopAsync(_state));
    }

    [Fact]
    public async Task A_child_does_not_outlive_a_parent_that_is_killed()
    {
        // The parent here is a shell that starts the child the way the AppHost does, and is then killed.
        var lines = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var parent = await ChildProcess.StartAsync(
            new ProcessSpec { FileName = "/bin/sh", Arguments = ["-c", "setsid setpriv --pdeathsig TERM -- sleep 600 & echo $!; wait"] }, lines.Enqueue);
        await Eventually.IsTrueAsync(() => !lines.IsEmpty, "the parent names its child");
        var child = ProcessIdentity.Of(int.Parse(lines.First(), System.Globalization.CultureInfo.InvariantCulture))!;
        await Eventually.IsTrueAsync(
            () => File.ReadAllText($"/proc/{child.Pid}/comm").Trim() == "sleep", "the child has become what it was started for");

        await parent.KillAsync();

        await Eventually.IsTrueAsync(() => !child.IsAlive, "the child has ended");
    }

    private static Task<ChildProcess> SleeperAsync(params (string Name, string Value)[] environment) => ChildProcess.StartAsync(
        new ProcessSpec
        {
            FileName = "/bin/sleep",
            Arguments = ["600"],
            Environment = environment.ToDictionary(entry => entry.Name, entry => (string?)entry.Value),
        },
        _ => { });
}
