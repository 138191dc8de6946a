using System.ComponentModel.DataAnnotations;

namespace HpcBilling.Payment.Providers.Dummy;

/// <summary>Section <c>Payment:Dummy</c>; read in Development only.</summary>
internal sealed class DummyOptions
{
    public const string Section = "Payment:Dummy";

    /// <summary>Secret that signs its events.</summary>
    [Required(ErrorMessage = "Payment:Dummy:WebhookSecret is missing: events of the dummy provider could not be told from forgeries.")]
    [MinLength(32, ErrorMessage = "Payment:Dummy:WebhookSecret must have at least 32 characters.")]
    public string WebhookSecret { get; set; } = "";

    /// <summary>The secret before, accepted during a rotation.</summary>
    [MinLength(32, ErrorMessage = "Payment:Dummy:WebhookSecretPrevious must have at least 32 characters.")]
    public string? WebhookSecretPrevious { get; set; }

    /// <summary>Where the provider finds the platform; by default this service's own address.</summary>
    public Uri? WebhookUrl { get; set; }

    public IReadOnlyCollection<string> SecretsInForce =>
        string.IsNullOrEmpty(WebhookSecretPrevious) ? [WebhookSecret] : [WebhookSecret, WebhookSecretPrevious];
}
