using HpcBilling.AppHost.Local.State;

namespace HpcBilling.Service.Tests.AppHost;

public sealed class StateDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_second_AppHost_on_the_same_state_is_refused_with_a_reason()
    {
        using var first = StateDirectory.Open(_directory.File("state"));

        var refusal = Assert.Throws<StateDirectoryException>(() => StateDirectory.Open(_directory.File("state")));

        Assert.Contains("Another HpcBilling AppHost", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_state_keeps_its_name_and_can_be_taken_again_after_it_was_let_go()
    {
        string id;
        using (var first = StateDirectory.Open(_directory.File("state")))
            id = first.Id;

        using var second = StateDirectory.Open(_directory.File("state"));

        Assert.Equal(id, second.Id);
    }

    [Fact]
    public void A_directory_with_content_that_is_not_ours_is_refused_and_left_alone()
    {
        File.WriteAllText(_directory.File("thesis.tex"), "years of work");

        Assert.Throws<StateDirectoryException>(() => StateDirectory.Open(_directory.Path));

        Assert.Equal(["thesis.tex"], Directory.EnumerateFileSystemEntries(_directory.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_reset_removes_everything_but_follows_no_link()
    {
        File.WriteAllText(_directory.File("thesis.tex"), "years of work");
        using var state = StateDirectory.Open(_directory.File("state"));
        File.WriteAllText(Path.Combine(state.Logs, "usage.log"), "old");
        Directory.CreateSymbolicLink(state.File("link"), _directory.Path);

        state.Reset();

        Assert.True(File.Exists(_directory.File("thesis.tex")));
        Assert.Equal(["hpcbilling-state", "lock"], Directory.EnumerateFileSystemEntries(state.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Secrets_are_made_once_and_only_their_owner_may_read_them()
    {
        var path = _directory.File("secrets.json");
        var made = SecretStore.Open(path).GetOrAdd("password", () => "first");

        var kept = SecretStore.Open(path).GetOrAdd("password", () => "second");

        Assert.Equal(("first", "first"), (made, kept));
        Assert.True(PrivateFile.IsOwnerOnly(path));
    }

    [Fact]
    public void A_damaged_secrets_file_is_an_error_and_not_a_new_set_of_secrets()
    {
        File.WriteAllText(_directory.File("secrets.json"), "{ \"password\": ");

        Assert.Throws<System.Text.Json.JsonException>(() => SecretStore.Open(_directory.File("secrets.json")));
    }

    [Fact]
    public void Ports_are_free_distinct_and_the_same_next_time()
    {
        var first = PortBook.Open(_directory.File("ports.json"));
        var (usage, rating) = (first.Take("usage"), first.Take("rating"));

        var next = PortBook.Open(_directory.File("ports.json"));

        Assert.NotEqual(usage, rating);
        Assert.Equal((rating, usage), (next.Take("rating"), next.Take("usage")));
    }

    [Fact]
    public void A_port_that_somebody_else_took_meanwhile_is_replaced()
    {
        var before = PortBook.Open(_directory.File("ports.json")).Take("usage");
        using var somebody = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, before);
        somebody.Start();

        Assert.NotEqual(before, PortBook.Open(_directory.File("ports.json")).Take("usage"));
    }
}
