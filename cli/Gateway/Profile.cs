using System.Text.Json;

namespace HpcBilling.Cli.Gateway;

/// <summary>Where the gateway is and who asks.</summary>
/// <param name="Url">Root of the gateway; https, or http on loopback.</param>
/// <param name="Token">Personal access token; null when only public data is asked for.</param>
/// <param name="CaFiles">PEM files of certificate authorities that are trusted besides the system's.</param>
internal sealed record Profile(Uri Url, string? Token, IReadOnlyList<string> CaFiles)
{
    /// <summary>Environment first (<c>HPCB_URL</c>, <c>HPCB_TOKEN</c>, <c>SSL_CERT_FILE</c>), then the profile file.</summary>
    /// <exception cref="CommandFailedException">There is no URL, or the file is readable by others.</exception>
    public static Profile Load()
    {
        string? url = Environment.GetEnvironmentVariable("HPCB_URL");
        string? token = Environment.GetEnvironmentVariable("HPCB_TOKEN");
        ProfileFile? file = url is not null && token is not null ? null : ProfileFile.Read();
        Uri chosen = ParseUrl(url ?? file?.Url
            ?? throw new CommandFailedException(ExitCode.Usage, "not signed in: run `hpcb login`, or set HPCB_URL and HPCB_TOKEN"));

        // A token goes to the gateway that it was made for and to no other.
        if (token is null && file is not null && ParseUrl(file.Url) == chosen)
            token = file.Token;
        return new Profile(chosen, token, CaFilesOf(file?.CaFile));
    }

    public static IReadOnlyList<string> CaFilesOf(string? caFile) =>
        [.. new[] { caFile, Environment.GetEnvironmentVariable("SSL_CERT_FILE") }.OfType<string>().Where(path => path.Length > 0).Distinct()];

    public static Uri ParseUrl(string text)
    {
        if (!Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out Uri? url) || url.Scheme is not ("https" or "http"))
            throw new CommandFailedException(ExitCode.Usage, $"'{text}' is not an https:// address");
        if (url.Scheme == "http" && !url.IsLoopback)
            throw new CommandFailedException(ExitCode.Usage, $"'{text}' would send the token unencrypted; use https://");
        return url;
    }
}

/// <summary>What <c>hpcb login</c> keeps: one JSON file of mode 0600.</summary>
internal sealed record ProfileFile(string Url, string Token, string? CaFile)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = ~(OwnerOnly | UnixFileMode.UserExecute);
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static string Location =>
        Environment.GetEnvironmentVariable("HPCB_PROFILE") is { Length: > 0 } path
            ? path
            : Path.Combine(ConfigurationFolder, "hpcb", "profile.json");

    private static string ConfigurationFolder =>
        Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify);

    /// <summary>The stored profile; null when there is none.</summary>
    /// <exception cref="CommandFailedException">Others may read it, or it is no profile.</exception>
    public static ProfileFile? Read()
    {
        string path = Location;
        if (!File.Exists(path)) return null;
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != UnixFileMode.None)
            throw new CommandFailedException(ExitCode.Usage, $"{path} holds a token and is open to other users: run `chmod 600 {path}`");
        try
        {
            ProfileFile? profile = JsonSerializer.Deserialize<ProfileFile>(File.ReadAllText(path), Format);
            return profile is { Url: not null, Token: not null } ? profile : throw new JsonException("url and token are needed");
        }
        catch (Exception unusable) when (unusable is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException(ExitCode.Usage, $"{path} is no usable profile ({unusable.Message}): run `hpcb login` again", unusable);
        }
    }

    /// <summary>Writes beside and renames, so that the file is never there half or with a wider mode.</summary>
    public void Write()
    {
        string path = Path.GetFullPath(Location);
        string folder = Path.GetDirectoryName(path)!;
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
        else Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);

        string draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var stream = new FileStream(draft, options))
            JsonSerializer.Serialize(stream, this, Format);
        File.Move(draft, path, overwrite: true);
    }

    /// <returns>False when there was none.</returns>
    public static bool Delete()
    {
        if (!File.Exists(Location)) return false;
        File.Delete(Location);
        return true;
    }
}
