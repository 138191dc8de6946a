using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace HpcBilling.Architecture.Tests;

/// <summary>docs/slurm.md is true: each rule names tests, and they exist.</summary>
public sealed class SlurmRuleTests
{
    [Fact]
    public void Every_rule_of_Slurm_names_tests_that_exist() => Guard.FindsNothing(Unproved(
        Repository.File("docs/slurm.md").Text,
        Repository.CSharp.Where(file => file.IsTest).SelectMany(file => TestsIn(file.Text)).ToHashSet(StringComparer.Ordinal)));

    [Fact]
    public void A_rule_without_a_proof_and_a_proof_that_is_gone_are_found() => Assert.Equal(
        ["Facts change: names no test", "Time flies: `A.Gone` is no test"],
        Unproved(
            """
            | fact | what is done | proved by |
            | --- | --- | --- |
            | Facts change | much | somebody looked |
            | Time flies | little | `A.Gone`, `A.There` |
            """,
            TestsIn("class A { [Fact] void There() { } void Gone() { } }").ToHashSet(StringComparer.Ordinal)));

    private static IEnumerable<string> Unproved(string document, HashSet<string> tests)
    {
        foreach (string[] row in document.Split('\n').Where(line => line.StartsWith('|')).Select(line => line.Trim().Trim('|').Split('|', StringSplitOptions.TrimEntries)))
        {
            if (row is not [var fact, _, var proof] || fact == "fact" || fact.StartsWith("---", StringComparison.Ordinal)) continue;
            string[] named = [.. Regex.Matches(proof, "`([^`]+)`").Select(match => match.Groups[1].Value)];
            if (named.Length == 0) yield return $"{fact}: names no test";
            foreach (string gone in named.Where(name => !tests.Contains(name))) yield return $"{fact}: `{gone}` is no test";
        }
    }

    private static IEnumerable<string> TestsIn(string source) =>
        from method in CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes().OfType<MethodDeclarationSyntax>()
        where method.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => attribute.Name.ToString() is "Fact" or "Theory" or "SlurmFact")
        select $"{method.FirstAncestorOrSelf<TypeDeclarationSyntax>()!.Identifier.ValueText}.{method.Identifier.ValueText}";
}
