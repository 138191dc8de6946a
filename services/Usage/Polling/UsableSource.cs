using HpcBilling.Usage.Slurm;
using HpcBilling.Usage.Sources;

namespace HpcBilling.Usage.Polling;

/// <param name="Key">The same for as long as it is asked the same way.</param>
/// <param name="Options">How it is asked.</param>
/// <param name="Preference">As somebody wants it; 1 for the most preferred.</param>
/// <param name="Id">The row of an admin's source; null for one of the configuration.</param>
/// <param name="Reach">Of whoever set it up; null for the operator, who may do anything.</param>
internal sealed record UsableSource(string Key, SourceOptions Options, int Preference, Guid? Id, SourceReach? Reach);
