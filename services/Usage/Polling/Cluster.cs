namespace HpcBilling.Usage.Polling;

/// <summary>A cluster as it is to be read. What changes is another one of the same name.</summary>
/// <param name="Org">Tenant.</param>
/// <param name="Name">Slurm's name of it.</param>
/// <param name="Sources">Most preferred first.</param>
/// <param name="IsChanged">Somebody set it up, or changed it, while this process ran.</param>
internal sealed record Cluster(Guid Org, string Name, IReadOnlyList<GuardedSource> Sources, bool IsChanged)
{
    /// <summary>Keeps its sources alive until the end of the use.</summary>
    /// <returns>Null when one of them was taken away in this moment: look for the cluster again.</returns>
    public IDisposable? Hold()
    {
        var held = new List<GuardedSource>();
        foreach (GuardedSource source in Sources)
        {
            if (!source.TryHold())
            {
                new Held(held).Dispose();
                return null;
            }

            held.Add(source);
        }

        return new Held(held);
    }

    private sealed class Held(List<GuardedSource> sources) : IDisposable
    {
        public void Dispose()
        {
            foreach (GuardedSource source in sources) source.LetGo();
            sources.Clear();
        }
    }
}
