using System.Security.Cryptography;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>Where a parameter's value comes from when configuration has none.</summary>
    public abstract class ParameterDefault
    {
        public abstract void WriteToManifest(ManifestPublishingContext context);

        public abstract string GetDefaultValue();
    }

    /// <summary>A random word without the letters that are taken for one another.</summary>
    public sealed class GenerateParameterDefault : ParameterDefault
    {
        private const string LowerLetters = "abcdefghjkmnpqrstuvwxyz";
        private const string UpperLetters = "ABCDEFGHJKMNPQRSTUVWXYZ";
        private const string Digits = "0123456789";
        private const string Specials = "-_.{}~()*+!";

        public int MinLength { get; set; } = 22;

        public bool Special { get; set; } = true;

        public override void WriteToManifest(ManifestPublishingContext context) => context.Writer.WriteNumber("minLength", MinLength);

        public override string GetDefaultValue() =>
            RandomNumberGenerator.GetString(LowerLetters + UpperLetters + Digits + (Special ? Specials : ""), MinLength);
    }
}

namespace Aspire.Hosting.Publishing
{
    /// <summary>Stands in the signature of <see cref="ParameterDefault.WriteToManifest"/>; this engine publishes nothing.</summary>
    public sealed class ManifestPublishingContext(System.Text.Json.Utf8JsonWriter writer)
    {
        public System.Text.Json.Utf8JsonWriter Writer { get; } = writer;
    }
}
