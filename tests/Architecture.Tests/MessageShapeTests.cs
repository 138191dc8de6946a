using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using HpcBilling.Contracts;

namespace HpcBilling.Architecture.Tests;

/// <summary>
/// What travels between services, as JSON on the wire. A service of the last version reads what this one writes: fields are
/// added, never renamed, retyped or taken away. A changed golden file is a decision; make it on purpose.
/// </summary>
public sealed class MessageShapeTests
{
    private static readonly Guid Org = new("01900000-0000-7000-8000-000000000001");
    private static readonly Guid Subject = new("01900000-0000-7000-8000-0000000000aa");
    private static readonly Guid Other = new("01900000-0000-7000-8000-0000000000bb");
    private static readonly DateTimeOffset At = new DateTimeOffset(2017, 1, 1, 20, 42, 19, TimeSpan.Zero).AddMicroseconds(123_456);

    private static readonly object[] Samples =
    [
        new AuditRecorded(Org, Subject, At, "rating", "alice", "tariff.published", "tariff:mu", new Dictionary<string, string> { ["version"] = "2" }, "192.0.2.7"),
        new CredentialsRevoked(Org, Subject, At),
        new PaymentSettled(Org, Subject, Other, "dummy", 123_450, "THB", At),
        new ReceiptIssued(Org, Subject, "R-2017-000001", "alice", 123_450, "THB", At),
        new TariffPublished(Org, "mu", 2, At, "THB", 0.25m, 12.5m, 0.0125m),
        new UsageCorrected(Org, Subject, Other, "slurmrestd", At, [new CorrectedRun(Run() with { Revision = 2 }, ["ended_at", "charged_seconds"])]),
        new UsageRecorded(Org, Subject, Other, [Run() with { CpuUsedMilliseconds = 518_400_000, MemoryUsedBytes = 17_179_869_184 }]) { AddsNoRun = true },
    ];

    public static TheoryData<string> Messages => [.. Samples.Select(sample => sample.GetType().Name)];

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_keeps_its_shape(string message)
    {
        object sample = Samples.Single(sample => sample.GetType().Name == message);
        JsonNode golden = Golden(message);
        Assert.True(IsSame(golden, sample), $"{message} is now {JsonSerializer.SerializeToNode(sample, sample.GetType(), JsonSerializerOptions.Web)}");

        object? read = golden.Deserialize(sample.GetType(), JsonSerializerOptions.Web);
        Assert.True(IsSame(golden, read!), $"{message} loses something when it is read");
    }

    [Fact]
    public void Every_record_of_the_contracts_has_a_sample()
    {
        IEnumerable<Type> records = typeof(UsageRecorded).Assembly.GetExportedTypes().Where(type => type.GetMethod("<Clone>$") is not null);
        Assert.Empty(records.Except(Samples.SelectMany(sample => TypesIn(sample.GetType())).Distinct()));
    }

    [Fact]
    public void Every_message_says_whose_it_is() =>
        Assert.All(Samples, sample => Assert.Equal(typeof(Guid), sample.GetType().GetProperty("OrgId")?.PropertyType));

    [Fact]
    public void A_renamed_retyped_or_missing_field_is_found()
    {
        JsonNode golden = JsonNode.Parse("""{"orgId": "a", "amountMinor": 5}""")!;
        Assert.True(IsSame(golden, new { OrgId = "a", AmountMinor = 5L }));
        Assert.False(IsSame(golden, new { OrgId = "a", Amount = 5L }));
        Assert.False(IsSame(golden, new { OrgId = "a", AmountMinor = "5" }));
        Assert.False(IsSame(golden, new { OrgId = "a" }));
    }

    private static RecordedRun Run() => new(
        "phillips/163485/1482390912/1482390913", 1, "phillips", "163485_7", 163485, "alice", "chaff", "focaccia", "chestnut", "CANCELLED",
        At.AddDays(-2), At.AddDays(-1), At, 86_400, new AllocatedTres(12, 31_000, 1, 2, 12, new Dictionary<string, long> { ["a100"] = 2 }));

    private static bool IsSame(JsonNode golden, object message) =>
        JsonNode.DeepEquals(golden, JsonSerializer.SerializeToNode(message, message.GetType(), JsonSerializerOptions.Web));

    private static JsonNode Golden(string message) => JsonNode.Parse(Repository.File($"tests/Architecture.Tests/Messages/{message}.json").Text)!;

    private static IEnumerable<Type> TypesIn(Type type) => type.Assembly != typeof(UsageRecorded).Assembly
        ? type.GetGenericArguments().SelectMany(TypesIn)
        : type.GetProperties(BindingFlags.Public | BindingFlags.Instance).SelectMany(property => TypesIn(property.PropertyType)).Append(type);
}
