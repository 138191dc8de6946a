using HpcBilling.Usage.Domain;

namespace HpcBilling.Usage.Slurm.Parsing;

/// <summary>Which column of a log holds which field.</summary>
internal sealed class SacctLayout
{
    /// <summary>sacct knows about 110 fields; a longer list is no list of fields.</summary>
    public const int ColumnsMax = 256;

    private static readonly SacctField[] Required =
    [
        SacctField.JobIdRaw, SacctField.User, SacctField.Account, SacctField.Partition, SacctField.Qos, SacctField.State,
        SacctField.Submit, SacctField.Start, SacctField.End, SacctField.AllocTres,
    ];

    private readonly int[] columnOf;
    private readonly SacctField?[] fieldOf;

    private SacctLayout(string[] names, int[] columnOf, SacctField?[] fieldOf, string? cluster, char separator)
    {
        (Names, this.columnOf, this.fieldOf, Cluster, Separator) = (names, columnOf, fieldOf, cluster, (byte)separator);
        JobNameIsLast = string.Equals(names[^1], "JobName", StringComparison.OrdinalIgnoreCase);
    }

    public IReadOnlyList<string> Names { get; }

    public int Columns => Names.Count;

    /// <summary>Cluster of every record, when the log does not name it; lower case.</summary>
    public string? Cluster { get; }

    /// <summary>Between two columns.</summary>
    public byte Separator { get; }

    /// <summary>A <c>|</c> inside a job's name adds columns; with the name last they can only be its own.</summary>
    public bool JobNameIsLast { get; }

    /// <summary>It has a column that tells what was used.</summary>
    public bool TellsUse => Array.Exists(fieldOf, known => known?.IsOfUse() == true);

    /// <returns>-1 when the log has no such column.</returns>
    public int ColumnOf(SacctField field) => columnOf[(int)field];

    /// <returns>Null for a column that is passed over.</returns>
    public SacctField? FieldOf(int column) => fieldOf[column];

    /// <summary>Makes the layout of named columns.</summary>
    /// <param name="names">sacct's field names, in any case, in the order of the columns.</param>
    /// <param name="cluster">Cluster of the request, for logs without that column.</param>
    /// <param name="layout">The layout, when it returns true.</param>
    /// <param name="problem">A sentence that names what is missing, when it returns false.</param>
    /// <param name="separator">Between two columns; ASCII.</param>
    public static bool TryCreate(IReadOnlyList<string> names, string? cluster, out SacctLayout layout, out string problem, char separator = '|')
    {
        layout = null!;
        if (names.Count > ColumnsMax) return Refuse($"{names.Count} fields are named; at most {ColumnsMax} can be.", out problem);

        var columns = new int[SacctFields.Count];
        Array.Fill(columns, -1);
        var fields = new SacctField?[names.Count];
        for (var column = 0; column < names.Count; column++)
        {
            if (!SacctFields.TryFind(names[column], out var field)) continue;
            if (columns[(int)field] >= 0 && field.IsOfUse()) continue;
            if (columns[(int)field] >= 0) return Refuse($"The field {field.Name()} is named twice.", out problem);
            (columns[(int)field], fields[column]) = (column, field);
        }

        var missing = Required.Where(field => columns[(int)field] < 0).Select(SacctFields.Name).ToList();
        if (columns[(int)SacctField.Elapsed] < 0 && columns[(int)SacctField.ElapsedRaw] < 0) missing.Add("ElapsedRaw or Elapsed");
        if (missing.Count > 0) return Refuse($"Required fields are missing: {string.Join(", ", missing)}.", out problem);

        string? canonical = null;
        if (columns[(int)SacctField.Cluster] < 0)
        {
            if (cluster is null) return Refuse("The log has no field Cluster: name the cluster in the request.", out problem);
            if (!SlurmName.TryCluster(cluster, out canonical)) return Refuse("The cluster's name may hold letters, digits, '_', '-' and '.' only.", out problem);
        }

        problem = string.Empty;
        layout = new SacctLayout([.. names], columns, fields, canonical, separator);
        return true;
    }

    /// <summary>Splits a request's <c>fields</c>: names between commas, or <c>xdmod</c>. A width (<c>JobName%30</c>) is passed over, as sacct does here.</summary>
    public static IReadOnlyList<string> SplitFields(string fields) =>
        [.. (string.Equals(fields, "xdmod", StringComparison.OrdinalIgnoreCase) ? SacctFields.Xdmod : fields).Split(',').Select(name => name.Split('%')[0].Trim())];

    private static bool Refuse(string sentence, out string problem)
    {
        problem = sentence;
        return false;
    }
}
