namespace HpcBilling.AppHost.Local.Supervision;

/// <summary>The status of every resource, for whoever shows it. Changes are announced one at a time.</summary>
public sealed class ResourceBoard
{
    private readonly Lock _gate = new();
    private readonly List<string> _order = [];
    private readonly List<Action<ResourceStatus, ResourceStatus>> _listeners = [];
    private readonly Dictionary<string, ResourceStatus> _statuses = new(StringComparer.Ordinal);

    /// <summary>Passes on the old and the new status, under the board's lock: the listener must be quick.</summary>
    public void Listen(Action<ResourceStatus, ResourceStatus> listener)
    {
        lock (_gate)
            _listeners.Add(listener);
    }

    /// <summary>In the order in which they were added.</summary>
    public IReadOnlyList<ResourceStatus> Snapshot()
    {
        lock (_gate)
            return [.. _order.Select(name => _statuses[name])];
    }

    public ResourceStatus? Find(string name)
    {
        lock (_gate)
            return _statuses.GetValueOrDefault(name);
    }

    internal void Add(ResourceStatus status)
    {
        lock (_gate)
        {
            _order.Add(status.Name);
            _statuses.Add(status.Name, status);
        }
    }

    internal void Update(string name, Func<ResourceStatus, ResourceStatus> change)
    {
        lock (_gate)
        {
            var old = _statuses[name];
            var now = change(old);
            if (now == old)
                return;
            _statuses[name] = now;
            foreach (var listener in _listeners)
                listener(old, now);
        }
    }
}
