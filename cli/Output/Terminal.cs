using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace HpcBilling.Cli.Output;

/// <summary>Where answers (standard output) and troubles (standard error) go.</summary>
internal sealed class Terminal
{
    // Enough for every table of ours: a file or a pipe has no width of its own, and a wrapped cell is hard to grep.
    private const int WidthOfAFile = 200;

    private static readonly JsonSerializerOptions OneLine = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly TextWriter output;
    private readonly TextWriter error;

    public Terminal(TextWriter output, TextWriter error)
    {
        this.output = output;
        this.error = error;
        if (!IsInteractive) Out.Profile.Width = WidthOfAFile;
    }

    /// <summary>A person reads standard output: progress bars make sense.</summary>
    public bool IsInteractive { get; } = !Console.IsOutputRedirected;

    public IAnsiConsole Out { get; } = AnsiConsole.Console;

    /// <summary>Asks and reads beside standard output, so that an answer can be piped.</summary>
    public IAnsiConsole Prompt { get; } = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    public void Line(string text) => Out.WriteLine(Printable(text));

    /// <summary>As it is, however long: for another program to read.</summary>
    public void Verbatim(string text) => output.WriteLine(text);

    public void Warn(string text) => error.WriteLine($"hpcb: {Printable(text)}");

    public void Json(JsonNode document) => output.WriteLine(document.ToJsonString(OneLine));

    public void Table(IReadOnlyList<TableColumn> columns, IEnumerable<IReadOnlyList<string?>> rows)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns([.. columns.Select(column => column.NoWrap())]);
        foreach (IReadOnlyList<string?> row in rows)
            table.AddRow(row.Select(Cell));
        Out.Write(table);
    }

    /// <summary>Names beside their values, one a line.</summary>
    public void Facts(params IReadOnlyList<(string Name, string? Value)> facts)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        foreach ((string name, string? value) in facts)
            grid.AddRow(Cell(name), Cell(value));
        Out.Write(grid);
    }

    public static TableColumn Left(string heading) => new(heading);

    public static TableColumn Right(string heading) => new TableColumn(heading).RightAligned();

    private static Text Cell(string? text) => new(Printable(text ?? ""));

    // Job names and usernames come from elsewhere: an escape sequence in one must not reach the terminal.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c));
}
