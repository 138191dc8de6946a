using System.Text.Json;
using HpcBilling.Payment.Domain;

namespace HpcBilling.Domain.Tests.Payment;

[Trait("Control", "PAY-08")]
public sealed class RedactedPayloadTests
{
    [Fact]
    public void Only_the_fields_that_are_acted_on_are_kept()
    {
        const string payload = """
            {"id":"evt_1","type":"payment.succeeded","session":"ds_1","amountMinor":125000,"currency":"THB","created":"2026-11-22T12:00:00Z",
             "card":{"number":"4111111111111111"},"email":"alice@example.org","note":4111111111111111,"items":["4111111111111111"]}
            """;

        const string stored = """
            {"id":"evt_1","type":"payment.succeeded","session":"ds_1","amountMinor":125000,"currency":"THB","created":"2026-11-22T12:00:00Z",
            "card":"[redacted]","email":"[redacted]","note":"[redacted]","items":"[redacted]"}
            """;
        Assert.Equal(stored.ReplaceLineEndings(""), Redact(payload));
    }

    [Fact]
    public void A_kept_field_holds_no_object_and_no_long_text() => Assert.Equal(
        """{"id":"[redacted]","type":"[redacted]"}""", Redact($$"""{"id":{"card":"4111"},"type":"{{new string('x', 500)}}"}"""));

    private static string Redact(string payload)
    {
        using JsonDocument document = JsonDocument.Parse(payload);
        return RedactedPayload.Of(document.RootElement);
    }
}
