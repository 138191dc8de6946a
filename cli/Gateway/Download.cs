namespace HpcBilling.Cli.Gateway;

/// <summary>Saves a reply as a file.</summary>
internal static class Download
{
    /// <summary>Writes beside and renames: a download that broke off leaves no file that looks whole.</summary>
    /// <exception cref="CommandFailedException">It broke off, or the file cannot be written.</exception>
    public static async Task SaveAsync(GatewayClient gateway, string from, string path, CancellationToken cancellationToken)
    {
        string draft = path + ".part";
        try
        {
            using HttpResponseMessage response = await gateway.GetStreamAsync(from, cancellationToken);
            await using (var stream = new FileStream(draft, FileMode.Create, FileAccess.Write))
                await response.Content.CopyToAsync(stream, cancellationToken);
            File.Move(draft, path, overwrite: true);
        }
        catch (HttpRequestException cut)
        {
            throw new CommandFailedException(ExitCode.Unreachable, $"the export broke off: {cut.Message}", cut);
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException(ExitCode.Failed, $"cannot write {path}: {unwritable.Message}", unwritable);
        }
        finally
        {
            File.Delete(draft);
        }
    }
}
