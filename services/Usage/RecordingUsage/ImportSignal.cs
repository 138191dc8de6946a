using HpcBilling.ServiceDefaults;

namespace HpcBilling.Usage.RecordingUsage;

/// <summary>Wakes this process's worker when an upload is complete; other replicas find the job by polling.</summary>
internal sealed class ImportSignal : WakeSignal;
