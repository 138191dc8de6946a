using System.Reflection;
using System.Xml.Linq;
using HpcBilling.Contracts;

namespace HpcBilling.Architecture.Tests;

public sealed class ProjectReferenceTests
{
    // Who may know whom. Small duplicates beat a Common project.
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Contracts"] = [],
        ["Ui"] = [],
        ["HpcBilling.ServiceDefaults"] = ["Contracts"],
        ["HpcBilling.AppHost"] = ["Gateway", "Identity", "Usage", "Rating", "Payment", "Audit", "Portal", "Admin", "Cli"], // which it starts
        ["Cli"] = [],
        ["Gateway"] = ["HpcBilling.ServiceDefaults", "Contracts"],
        ["Identity"] = ["HpcBilling.ServiceDefaults", "Contracts", "Ui"],
        ["Usage"] = ["HpcBilling.ServiceDefaults", "Contracts"],
        ["Rating"] = ["HpcBilling.ServiceDefaults", "Contracts"],
        ["Payment"] = ["HpcBilling.ServiceDefaults", "Contracts", "Ui"],
        ["Audit"] = ["HpcBilling.ServiceDefaults", "Contracts"],
        ["Portal"] = ["HpcBilling.ServiceDefaults", "Ui"],
        ["Admin"] = ["HpcBilling.ServiceDefaults", "Ui"],
    };

    [Fact]
    public void Projects_know_only_what_they_may() =>
        Guard.FindsNothing(Repository.Projects.Where(project => !project.IsTest).SelectMany(project => Forbidden(project.Path, project.Text)));

    [Fact]
    public void A_service_that_reads_from_another_is_found()
    {
        const string Project = """<Project><ItemGroup><ProjectReference Include="../Rating/Rating.csproj" /></ItemGroup></Project>""";
        Assert.Equal(["services/Payment/Payment.csproj knows Rating"], Forbidden("services/Payment/Payment.csproj", Project));
    }

    [Fact]
    public void A_service_that_compiles_a_file_of_another_is_found()
    {
        const string Project = """<Project><ItemGroup><Compile Include="../Rating/Domain/Money.cs" /></ItemGroup></Project>""";
        Assert.Equal(["services/Payment/Payment.csproj compiles ../Rating/Domain/Money.cs"], Forbidden("services/Payment/Payment.csproj", Project));
    }

    [Fact]
    public void Contracts_needs_the_runtime_alone()
    {
        Assembly contracts = typeof(UsageRecorded).Assembly;
        Assert.All(contracts.GetReferencedAssemblies(), reference => Assert.StartsWith("System.", reference.Name, StringComparison.Ordinal));
        XElement[] packages = [.. XDocument.Parse(Repository.File("services/Contracts/Contracts.csproj").Text).Descendants("PackageReference")];
        Assert.Empty(packages);
    }

    private static IEnumerable<string> Forbidden(string path, string text)
    {
        XDocument project = XDocument.Parse(text);
        string[] allowed = Allowed.GetValueOrDefault(Path.GetFileNameWithoutExtension(path)) ?? [];
        foreach (string known in Includes(project, "ProjectReference").Select(include => Path.GetFileNameWithoutExtension(include.Replace('\\', '/'))).Except(allowed))
            yield return $"{path} knows {known}";

        // The CLI verifies a chain with the very code that wrote it; nobody else borrows files.
        bool isCli = path == "cli/Cli.csproj";
        foreach (string borrowed in Includes(project, "Compile").Where(include => include.StartsWith("..", StringComparison.Ordinal)))
        {
            if (!isCli || !borrowed.StartsWith("../services/Audit/Domain/", StringComparison.Ordinal)) yield return $"{path} compiles {borrowed}";
        }
    }

    private static IEnumerable<string> Includes(XDocument project, string item) =>
        project.Descendants(item).Select(element => element.Attribute("Include")?.Value).OfType<string>();
}
