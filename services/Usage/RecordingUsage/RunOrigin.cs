using System.Runtime.InteropServices;
using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Where runs come from.</summary>
/// <param name="Id">The import, or the reading of a live source.</param>
/// <param name="Source">Name of the source.</param>
/// <param name="IsLive">It tells what holds now, so that it may correct what is stored; a file does not say when it was true.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RunOrigin(Guid Id, string Source, bool IsLive)
{
    public static RunOrigin Import(Guid id) => new(id, "import", IsLive: false);

    /// <summary>Its key is not settled yet, and a live source tells of it again.</summary>
    public bool IsToWait(in JobRun run) => run.IsWaiting || (IsLive && run.IsStarting);
}
