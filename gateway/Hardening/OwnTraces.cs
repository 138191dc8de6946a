using System.Diagnostics;

namespace HpcBilling.Gateway.Hardening;

/// <summary>A trace begins here: what a client says about one would let it choose our request ids, or not to be recorded.</summary>
internal static class OwnTraces
{
    public static void AddOwnTraces(this WebApplicationBuilder builder) =>
        builder.Services.AddSingleton<DistributedContextPropagator>(new HearsNothing());

    // For what comes in alone; what goes out to services carries the trace on as usual.
    private sealed class HearsNothing : DistributedContextPropagator
    {
        public override IReadOnlyCollection<string> Fields => Current.Fields;

        public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
            (traceId, traceState) = (null, null);

        public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;

        public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter) => Current.Inject(activity, carrier, setter);
    }
}
