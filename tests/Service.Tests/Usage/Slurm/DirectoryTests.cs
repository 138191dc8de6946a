using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

[Collection(nameof(Servers))]
public sealed class DirectoryTests(Servers servers)
{
    [Fact]
    [Trait("Control", "USE-03")]
    public async Task A_file_that_appears_in_the_folder_is_imported_once_by_its_content_and_left_as_it_is()
    {
        string folder = Directory.CreateTempSubdirectory("hpcb-drop-").FullName;
        string elsewhere = Directory.CreateTempSubdirectory("hpcb-elsewhere-").FullName;
        await using RunningService usage = await PolledService.StartAsync(servers, ("Sources__0__Kind", "directory"), ("Sources__0__Path", folder));
        string log = SacctLog.Of(SacctLog.Finished(5).Append("rubbish"));
        await File.WriteAllTextAsync(Path.Combine(folder, "january.psv"), log);
        await PolledService.UntilRunsAsync(usage, 5);

        // The same content under another name, a file that is being written, and what lies elsewhere.
        await File.WriteAllTextAsync(Path.Combine(folder, "copy.psv"), log);
        await File.WriteAllTextAsync(Path.Combine(folder, ".february.psv"), SacctLog.Of(SacctLog.Finished(5, first: 50)));
        await File.WriteAllTextAsync(Path.Combine(elsewhere, "secret.psv"), SacctLog.Of(SacctLog.Finished(5, first: 60)));
        File.CreateSymbolicLink(Path.Combine(folder, "link.psv"), Path.Combine(elsewhere, "secret.psv"));
        await File.WriteAllTextAsync(Path.Combine(folder, "march.psv"), SacctLog.Of(SacctLog.Finished(3, first: 70)));
        await PolledService.UntilRunsAsync(usage, 8);
        await usage.RestartAsync();
        await File.WriteAllTextAsync(Path.Combine(folder, "april.psv"), SacctLog.Of(SacctLog.Finished(2, first: 80)));
        await PolledService.UntilRunsAsync(usage, 10);
        // The last run is stored a moment before its import has ended.
        await Wait.UntilAsync("every import has ended", async () => await usage.ScalarAsync<bool>("SELECT bool_and(finished_at IS NOT NULL) FROM jobs"));

        Assert.Equal(
            ["april.psv", "january.psv", "march.psv"],
            await usage.QueryAsync<string>("SELECT subject FROM jobs WHERE status = 'succeeded' ORDER BY 1"));
        Assert.Equal(3, await usage.ScalarAsync<long>("SELECT count(*) FROM import_jobs"));
        Assert.Equal((1L, "source:directory"), (await usage.ScalarAsync<long>("SELECT sum(quarantined)::bigint FROM import_jobs"), await usage.ScalarAsync<string>("SELECT DISTINCT requested_by FROM jobs")));
        Assert.Equal(log, await File.ReadAllTextAsync(Path.Combine(folder, "january.psv")));
        await Wait.UntilAsync("the spool is empty", () => Task.FromResult(Directory.GetFiles(usage.Settings["Usage__SpoolPath"]).Length == 0));
    }

    [Fact]
    public async Task A_folder_that_is_gone_is_said()
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory("hpcb-drop-").FullName, "not", "yet");
        await using RunningService usage = await PolledService.StartAsync(servers, ("Sources__0__Kind", "directory"), ("Sources__0__Path", folder));

        await Wait.UntilAsync("the reason is seen", async () => (await usage.QueryAsync<string?>("SELECT last_error FROM source_states")).Any(error => error?.Contains(folder, StringComparison.Ordinal) == true));
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "a.psv"), SacctLog.Of(SacctLog.Finished(1)));

        await PolledService.UntilRunsAsync(usage, 1);
    }
}
