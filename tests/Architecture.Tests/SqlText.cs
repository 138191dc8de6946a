using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace HpcBilling.Architecture.Tests;

/// <summary>Finds SQL whose text depends on a value. The compiler proves a <c>const</c> harmless; anything else must be a parameter.</summary>
internal static partial class SqlText
{
    public static IEnumerable<string> PutTogether(string path, string source)
    {
        foreach (SyntaxNode node in CSharpSyntaxTree.ParseText(source).GetRoot().DescendantNodes())
        {
            if (IsPutTogether(node) && !IsConstant(node))
                yield return $"{path}:{node.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {node}";
        }
    }

    private static bool IsPutTogether(SyntaxNode node) => node switch
    {
        InterpolatedStringExpressionSyntax text => text.Contents.OfType<InterpolationSyntax>().Any() && IsSql(TextOf(text)) && !IsQuotedDdl(text),
        BinaryExpressionSyntax sum when sum.IsKind(SyntaxKind.AddExpression) =>
            (IsSqlLiteral(sum.Left) && !IsLiteral(sum.Right)) || (IsSqlLiteral(sum.Right) && !IsLiteral(sum.Left)),
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax called } call => called.Name.Identifier.ValueText switch
        {
            "Format" or "Concat" or "Join" or "Append" or "AppendFormat" or "AppendLine" or "Insert" =>
                call.ArgumentList.Arguments.Any(argument => IsSqlLiteral(argument.Expression)),
            "Replace" => IsSqlLiteral(called.Expression),
            _ => false,
        },
        _ => false,
    };

    // Names in DDL cannot be parameters; quoted as identifiers they are names and nothing else.
    private static bool IsQuotedDdl(InterpolatedStringExpressionSyntax text) => Ddl().IsMatch(TextOf(text))
        && text.Contents.OfType<InterpolationSyntax>().All(hole => hole.Expression is InvocationExpressionSyntax call
            && call.Expression.ToString().Split('.')[^1] is "Quote" or "QuoteIdentifier");

    private static bool IsLiteral(ExpressionSyntax expression) => expression switch
    {
        LiteralExpressionSyntax => true,
        ParenthesizedExpressionSyntax inner => IsLiteral(inner.Expression),
        BinaryExpressionSyntax sum => IsLiteral(sum.Left) && IsLiteral(sum.Right),
        _ => false,
    };

    private static bool IsSqlLiteral(ExpressionSyntax expression) =>
        expression.DescendantNodesAndSelf().OfType<LiteralExpressionSyntax>().Any(literal => literal.Token.Value is string text && IsSql(text));

    private static string TextOf(InterpolatedStringExpressionSyntax text) =>
        string.Concat(text.Contents.Select(part => part is InterpolatedStringTextSyntax plain ? plain.TextToken.ValueText : "x"));

    private static bool IsConstant(SyntaxNode node) => node.Ancestors().Any(ancestor => ancestor switch
    {
        FieldDeclarationSyntax field => field.Modifiers.Any(SyntaxKind.ConstKeyword),
        LocalDeclarationStatementSyntax local => local.IsConst,
        _ => false,
    });

    private static bool IsSql(string text) => Sql().IsMatch(text);

    [GeneratedRegex(@"^\s*(CREATE|ALTER|DROP|GRANT|REVOKE)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex Ddl();

    // Statements and clauses in capitals, as they are written here.
    [GeneratedRegex(
        @"\b(SELECT\s+[\w(*@""'].*\bFROM\b|SELECT\s+[\w*""]+\(|INSERT\s+INTO\b|UPDATE\s+\S+\s+SET\b|DELETE\s+FROM\b|MERGE\s+INTO\b|TRUNCATE\s+\w"
        + @"|(CREATE|ALTER|DROP)\s+(TABLE|ROLE|USER|DATABASE|SCHEMA|POLICY|INDEX|FUNCTION|DEFAULT|EXTENSION)\b|GRANT\s+\w+\b.*\b(ON|TO)\b|REVOKE\s+\w+\b.*\bFROM\b|COPY\s+\S+\s*(\(|FROM|TO)"
        + @"|SET\s+(LOCAL|SESSION|ROLE)\b|LISTEN\s+\S|NOTIFY\s+\S|WHERE\s+\S+\s*(=|<|>|IN\b|LIKE\b|IS\b)|ORDER\s+BY\s|\bVALUES\s*\()",
        RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Sql();
}
