using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>Records of a live source that are stored in one transaction.</summary>
/// <param name="recordsMax">Records it takes.</param>
/// <param name="form">How the source tells them; null for a chunk that stays empty.</param>
internal sealed class RecordChunk(int recordsMax, TextForm? form = null)
{
    public TextForm? Form { get; } = form;

    public List<JobRun> Runs { get; } = [];

    public List<QuarantinedRecord> Quarantined { get; } = [];

    /// <summary>What ended runs made use of, where the question was for their steps as well; none of it is charged.</summary>
    public List<MeasuredRun> Measured { get; } = [];

    public int Count => Runs.Count + Quarantined.Count;

    public bool IsFull => Count >= recordsMax;
}

/// <param name="Problem">Why it is no run.</param>
/// <param name="Text">What is kept of it; never a job's name or command line.</param>
internal sealed record QuarantinedRecord(LineProblem Problem, string Text);
