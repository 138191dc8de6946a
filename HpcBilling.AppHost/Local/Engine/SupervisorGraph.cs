using HpcBilling.AppHost.Local.Processes;
using HpcBilling.AppHost.Local.Supervision;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>One supervisor a process, tied together as AppHost.cs says who waits for whom.</summary>
internal static class SupervisorGraph
{
    public static IReadOnlyList<Supervisor> Create(Model model, EngineContext context, ResourceBoard board, RestartPolicy policy)
    {
        var byResource = new Dictionary<string, List<Supervisor>>(StringComparer.Ordinal);
        var all = new List<Supervisor>();
        foreach (var (resource, managed) in Allocation.Manage(model, context))
        {
            var log = new ResourceLog(Path.Combine(context.State.Logs, $"{managed.Name}.log"));
            var supervisor = new Supervisor(managed, log, context.State, board, policy, TimeProvider.System);
            all.Add(supervisor);
            if (!byResource.TryAdd(resource.Name, [supervisor]))
                byResource[resource.Name].Add(supervisor);
        }

        foreach (var resource in model.Resources)
        {
            foreach (var wait in resource.Annotations.OfType<WaitAnnotation>())
                Tie(byResource[resource.Name], byResource[ProcessOf(wait.Dependency)], wait.ForCompletion);
        }

        RefuseCycles(model);
        return all;
    }

    private static void Tie(List<Supervisor> dependents, List<Supervisor> dependencies, bool completed)
    {
        foreach (var dependent in dependents)
        {
            foreach (var dependency in dependencies)
                dependent.DependOn(dependency, completed);
        }
    }

    private static string ProcessOf(IResource resource) => resource is PostgresDatabaseResource database ? database.Parent.Name : resource.Name;

    private static void RefuseCycles(Model model)
    {
        var waits = model.Resources.ToDictionary(
            resource => resource.Name, resource => resource.Annotations.OfType<WaitAnnotation>().Select(wait => ProcessOf(wait.Dependency)).ToList());
        while (waits.FirstOrDefault(entry => entry.Value.Count == 0).Key is { } free)
        {
            waits.Remove(free);
            foreach (var others in waits.Values)
                others.RemoveAll(name => name == free);
        }

        if (waits.Count > 0)
            throw new DistributedApplicationException($"These resources wait for one another: {string.Join(", ", waits.Keys)}.");
    }
}
