namespace HpcBilling.Service.Tests.AppHost;

/// <summary>Gone after the test, whatever came of it. Others may pass through it, as PostgreSQL's account must.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } =
        Directory.CreateDirectory(System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"hpcbilling-test-{Guid.NewGuid():N}")).FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
