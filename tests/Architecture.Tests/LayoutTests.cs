using System.Text.RegularExpressions;

namespace HpcBilling.Architecture.Tests;

public sealed class LayoutTests
{
    private const int ProgramLinesMax = 40;
    private const int AppHostLinesMax = 120;

    private static readonly string[] Projects =
    [
        "HpcBilling.AppHost/HpcBilling.AppHost.csproj",
        "HpcBilling.ServiceDefaults/HpcBilling.ServiceDefaults.csproj",
        "gateway/Gateway.csproj",
        "identity/Identity.csproj",
        "services/Contracts/Contracts.csproj",
        "services/Usage/Usage.csproj",
        "services/Rating/Rating.csproj",
        "services/Payment/Payment.csproj",
        "services/Audit/Audit.csproj",
        "services/Portal/Portal.csproj",
        "services/Admin/Admin.csproj",
        "services/Ui/Ui.csproj",
        "cli/Cli.csproj",
        "tests/Domain.Tests/Domain.Tests.csproj",
        "tests/Service.Tests/Service.Tests.csproj",
        "tests/System.Tests/System.Tests.csproj",
        "tests/Architecture.Tests/Architecture.Tests.csproj",
        "tests/Benchmarks/Benchmarks.csproj",
    ];

    [Fact]
    public void Every_room_of_the_layout_has_its_project() =>
        Assert.Empty(Projects.Except(Repository.Projects.Select(project => project.Path)));

    [Fact]
    public void Every_project_is_in_the_solution() =>
        Guard.FindsNothing(NotInSolution(Repository.File("HpcBilling.sln").Text, Repository.Projects.Select(project => project.Path)));

    [Fact]
    public void A_project_outside_the_solution_is_found() =>
        Assert.Equal(["cli/Cli.csproj"], NotInSolution("""Project("{X}") = "Usage", "services\Usage\Usage.csproj", "{Y}" """, ["cli/Cli.csproj", "services/Usage/Usage.csproj"]));

    [Fact]
    public void Program_is_a_contents_page() =>
        Guard.FindsNothing(Repository.CSharp.Where(file => file.Name == "Program.cs" && !file.IsTest).SelectMany(file => TooLong(file.Path, file.Text, ProgramLinesMax)));

    [Fact]
    public void AppHost_is_one_page() =>
        Guard.FindsNothing(TooLong("AppHost.cs", Repository.File("HpcBilling.AppHost/AppHost.cs").Text, AppHostLinesMax));

    [Fact]
    public void A_line_too_many_is_found()
    {
        string page = string.Concat(Enumerable.Repeat("line\n", ProgramLinesMax));
        Assert.Empty(TooLong("Program.cs", page, ProgramLinesMax));
        Assert.NotEmpty(TooLong("Program.cs", page + "one more\n", ProgramLinesMax));
    }

    [Fact]
    public void No_file_names_a_place_of_one_machine() =>
        Guard.FindsNothing(Repository.Files.Where(IsBuildFile).SelectMany(file => MachinePaths(file.Path, file.Text)));

    [Theory]
    [InlineData("""<HintPath>/home/alice/lib/x.dll</HintPath>""")]
    [InlineData("""<Reference Include="C:\Users\alice\x.dll" />""")]
    [InlineData("""cd /root/project""")]
    [InlineData("""<Compile Include="/work/other/File.cs" />""")]
    public void A_place_of_one_machine_is_found(string text) => Assert.NotEmpty(MachinePaths("x.csproj", text));

    [Fact]
    public void A_path_from_the_root_of_the_tree_is_no_place_of_one_machine() =>
        Assert.Empty(MachinePaths("x.csproj", """<ProjectReference Include="../../services/Contracts/Contracts.csproj" /> /usr/lib/postgresql"""));

    private static IEnumerable<string> NotInSolution(string solution, IEnumerable<string> projects) =>
        projects.Where(path => !solution.Contains('"' + path.Replace('/', '\\') + '"', StringComparison.Ordinal));

    private static IEnumerable<string> TooLong(string path, string text, int linesMax)
    {
        int lines = text.TrimEnd('\n').Split('\n').Length;
        if (lines > linesMax) yield return $"{path} has {lines} lines, {linesMax} are allowed";
    }

    // Scripts and settings as well as projects: each would break on the next machine.
    private static bool IsBuildFile(SourceFile file) =>
        Regex.IsMatch(file.Path, @"\.(csproj|props|targets|sln|json|sh|ya?ml)$|^(run|test|hpcb|\.ci/run)$") && !file.Path.EndsWith("lock.json", StringComparison.Ordinal);

    private static IEnumerable<string> MachinePaths(string path, string text) =>
        Regex.Matches(text, @"(?<![\w.])(/home/|/root/|/work/|/Users/|[A-Za-z]:\\)[\w.\\/-]*").Select(match => $"{path}: {match.Value}");
}
