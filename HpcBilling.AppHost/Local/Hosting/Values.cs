using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that is known only when the system starts.</summary>
public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>How Aspire's manifest writes the value; this engine writes no manifest, but AppHost.cs must satisfy either.</summary>
public interface IManifestExpressionProvider
{
    string ValueExpression { get; }
}

/// <summary>Text with values in it that are resolved when a resource starts.</summary>
public sealed class ReferenceExpression : IValueProvider, IManifestExpressionProvider
{
    private readonly IReadOnlyList<Func<CancellationToken, ValueTask<string?>>> _parts;

    private ReferenceExpression(IReadOnlyList<Func<CancellationToken, ValueTask<string?>>> parts, string valueExpression) =>
        (_parts, ValueExpression) = (parts, valueExpression);

    public string ValueExpression { get; }

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.Build();

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        foreach (var part in _parts)
            text.Append(await part(cancellationToken));
        return text.ToString();
    }

    internal static ReferenceExpression Deferred(Func<string> value) => new([_ => new(value())], "");

    [InterpolatedStringHandler]
    public ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        private readonly List<Func<CancellationToken, ValueTask<string?>>> _parts = new((2 * formattedCount) + 1);
        private readonly StringBuilder _expression = new(literalLength);

        public readonly void AppendLiteral(string value)
        {
            _parts.Add(_ => new(value));
            _expression.Append(value);
        }

        public readonly void AppendFormatted(string? value) => AppendLiteral(value ?? "");

        public readonly void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider, IManifestExpressionProvider
        {
            _parts.Add(cancellationToken => valueProvider.GetValueAsync(cancellationToken));
            _expression.Append(CultureInfo.InvariantCulture, $"{valueProvider.ValueExpression}");
        }

        public readonly void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider, IManifestExpressionProvider => AppendFormatted(valueProvider.Resource);

        internal readonly ReferenceExpression Build() => new([.. _parts], _expression.ToString());
    }
}
