using HpcBilling.Usage.Slurm.Json;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>How the text that is kept of a record in quarantine can be read again.</summary>
/// <param name="Format"><see cref="Sacct"/> or <see cref="Slurmdb"/>.</param>
/// <param name="Layout">Columns between <c>|</c>, or the data version.</param>
internal sealed record TextForm(string Format, string Layout)
{
    public const string Sacct = "sacct";
    public const string Slurmdb = "slurmdb";

    private const char Separator = '|';
    private const char Cut = '…';
    private const char Replaced = '\uFFFD';

    // Of any other line only a part is kept, or it is not told from a part.
    private static readonly string[] WholeCodes = [LineProblem.BadField, LineProblem.Contradiction, LineProblem.ChangedAfterFinal];

    /// <summary>Columns that pricing needs by their names, every other as <c>-</c>.</summary>
    public static TextForm Of(SacctLayout layout) => new(Sacct, string.Join(Separator, layout.Names.Select((_, column) => NameOf(layout, column))));

    public static TextForm Of(DataVersion version) => new(Slurmdb, version.ToString());

    /// <summary>The text stands for all that was read. One that was cut or altered may say something else than the record did, and is never believed.</summary>
    public bool IsWhole(string code, string text) =>
        WholeCodes.Contains(code, StringComparer.Ordinal) && text.Length > 0 && text[^1] != Cut && !text.Contains(Replaced, StringComparison.Ordinal)
        && (Format == Slurmdb ? text[0] == '{' : text.Count(c => c == Separator) == Layout.Count(c => c == Separator));

    /// <summary>The cluster that a line of sacct names, if its columns can be told apart.</summary>
    public static string? ClusterOf(SacctLayout layout, string text)
    {
        if (layout.Cluster is not null) return layout.Cluster;
        string[] columns = text.Split(Separator);
        int column = layout.ColumnOf(SacctField.Cluster);
        return columns.Length == layout.Columns && Domain.SlurmName.TryCluster(columns[column], out string cluster) ? cluster : null;
    }

    private static string NameOf(SacctLayout layout, int column) =>
        layout.FieldOf(column)?.Name() ?? (layout.JobNameIsLast && column == layout.Columns - 1 ? "JobName" : "-");
}
