using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace HpcBilling.Architecture.Tests;

public sealed class ServiceDefaultsTests
{
    private static readonly string[] BillingNouns =
        ["receipt", "tariff", "payable", "payment", "invoice", "ledger", "tres", "slurm", "usage", "rating", "billing", "quota", "money", "currency"];

    // Names that the libraries have given.
    private static readonly string[] NotOurs = ["HpcBilling", "DisableUsageTelemetry"];

    [Fact]
    public void ServiceDefaults_know_no_billing_noun() => Guard.FindsNothing(Repository.CSharp
        .Where(file => file.Path.StartsWith("HpcBilling.ServiceDefaults/", StringComparison.Ordinal))
        .SelectMany(file => Nouns(file.Path, file.Text)));

    [Theory]
    [InlineData("class ReceiptPolicies;")]
    [InlineData("var x = source.TariffOf(org);")]
    [InlineData("void Add(UsageRecorded message) { }")]
    [InlineData("int payments = 0;")]
    public void A_billing_noun_is_found(string source) => Assert.NotEmpty(Nouns("x.cs", source));

    [Theory]
    [InlineData("namespace HpcBilling.ServiceDefaults; // as ReceiptIssued does")]
    [InlineData("int concurrencyMax = GetManifestResourceNames();")]
    [InlineData("var messages = typeof(UsageRecorded).Assembly;")]
    public void Comments_other_words_and_the_name_of_an_assembly_pass(string source) => Assert.Empty(Nouns("x.cs", source));

    // Names only: a comment may give an example, and an assembly is named by one of its types.
    private static IEnumerable<string> Nouns(string path, string text) =>
        from token in CSharpSyntaxTree.ParseText(text).GetRoot().DescendantTokens()
        where token.IsKind(SyntaxKind.IdentifierToken) && !NotOurs.Contains(token.ValueText) && token.Parent?.Parent is not TypeOfExpressionSyntax
        where Words(token.ValueText).Any(word => BillingNouns.Contains(word) || BillingNouns.Contains(word.TrimEnd('s')))
        select $"{path}:{token.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {token.ValueText}";

    private static IEnumerable<string> Words(string name) =>
        Regex.Matches(name, "[A-Z]?[a-z]+|[A-Z]+(?![a-z])").Select(word => word.Value.ToLowerInvariant());
}
