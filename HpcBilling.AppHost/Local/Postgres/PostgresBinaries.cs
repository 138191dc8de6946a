using System.Globalization;

namespace HpcBilling.AppHost.Local.Postgres;

/// <summary>The server's programs where Debian and most others put them.</summary>
internal sealed record PostgresBinaries(string Directory)
{
    private const string DebianRoot = "/usr/lib/postgresql";
    private const int OldestMajor = 15;

    public string Initdb => Path.Combine(Directory, "initdb");

    public string Postgres => Path.Combine(Directory, "postgres");

    /// <summary>The newest installed; for data that exists, the version that made it.</summary>
    public static PostgresBinaries Find(string dataDirectory)
    {
        var versionFile = Path.Combine(dataDirectory, "PG_VERSION");
        var wanted = File.Exists(versionFile) ? File.ReadAllText(versionFile).Trim() : null;
        return Installed().Where(found => wanted is null || found.Major.ToString(CultureInfo.InvariantCulture) == wanted)
            .OrderByDescending(found => found.Major)
            .Select(found => new PostgresBinaries(found.Path))
            .FirstOrDefault()
            ?? throw new FileNotFoundException($"PostgreSQL {wanted ?? $"{OldestMajor} or newer"} is not installed: apt-get install postgresql-{wanted ?? "15"}");
    }

    private static IEnumerable<(int Major, string Path)> Installed()
    {
        if (!System.IO.Directory.Exists(DebianRoot))
            yield break;
        foreach (var directory in System.IO.Directory.EnumerateDirectories(DebianRoot))
        {
            var bin = Path.Combine(directory, "bin");
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var major) && major >= OldestMajor
                && File.Exists(Path.Combine(bin, "initdb")) && File.Exists(Path.Combine(bin, "postgres")))
                yield return (major, bin);
        }
    }
}
