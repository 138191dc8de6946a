using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace HpcBilling.Architecture.Tests;

/// <param name="Id">Such as <c>AUTH-03</c>.</param>
/// <param name="TestClass">Class that carries the trait, or has a test that does.</param>
internal sealed record ProvedControl(string Id, string TestClass);

/// <summary>Compares <c>docs/security/controls.md</c> with the traits in the tests.</summary>
internal static class Controls
{
    private const string ByTheOperator = "by the operator";

    public static IReadOnlyList<ProvedControl> ProvedIn(string source) =>
    [
        .. from attribute in CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes().OfType<AttributeSyntax>()
           where attribute.Name.ToString() == "Trait"
           let arguments = attribute.ArgumentList?.Arguments.Select(argument => argument.Expression.GetFirstToken().ValueText).ToArray()
           where arguments is ["Control", _]
           let test = attribute.Ancestors().OfType<TypeDeclarationSyntax>().First()
           select new ProvedControl(arguments[1], test.Identifier.ValueText),
    ];

    public static IEnumerable<string> Disagreements(string table, IReadOnlyCollection<ProvedControl> proofs, Func<string, bool> exists)
    {
        string[][] rows = [.. table.Split('\n').Select(line => line.Trim().Trim('|').Split('|', StringSplitOptions.TrimEntries)).Where(IsRow)];
        foreach (string[] row in rows)
        {
            (string id, string implementation, string proof) = (row[0], row[2], row[3]);
            foreach (string path in Quoted(implementation).Where(path => !exists(path)))
                yield return $"{id}: {path} does not exist";
            string[] tests = [.. Quoted(proof)];
            foreach (string test in tests.Where(test => !proofs.Contains(new ProvedControl(id, test))))
                yield return $"{id}: {test} carries no such trait";
            if (tests.Length == 0 && !proof.Contains(ByTheOperator, StringComparison.Ordinal))
                yield return $"{id} names no test";
        }

        foreach (IGrouping<string, ProvedControl> proved in proofs.GroupBy(proof => proof.Id).Where(proved => !rows.Any(row => row[0] == proved.Key)))
            yield return $"{proved.Key} is proved by {string.Join(", ", proved.Select(proof => proof.TestClass).Distinct())} and has no row";
        foreach (IGrouping<string, string[]> twice in rows.GroupBy(row => row[0]).Where(same => same.Count() > 1))
            yield return $"{twice.Key} has more than one row";
    }

    private static bool IsRow(string[] cells) => cells.Length >= 4 && Regex.IsMatch(cells[0], "^[A-Z]+-[0-9]{2}$");

    private static IEnumerable<string> Quoted(string cell) => Regex.Matches(cell, "`([^`]+)`").Select(match => match.Groups[1].Value);
}
