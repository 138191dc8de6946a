using System.Text.Json.Nodes;

namespace HpcBilling.Domain.Tests.Usage.Slurm;

/// <summary>
/// A recorded answer in the shapes that data versions 0.0.37 to 0.0.46 give to the same facts, mixed by a seed: no version mixes them so, and whatever a
/// version does is among them.
/// </summary>
internal sealed class AnyShapes(int seed)
{
    private readonly Random dice = new(seed);

    public string Of(string answer)
    {
        JsonNode document = JsonNode.Parse(answer)!;
        foreach (JsonNode? job in document["jobs"]!.AsArray()) Reshape(job!.AsObject());
        return document.ToJsonString();
    }

    private void Reshape(JsonObject job)
    {
        JsonObject time = job["time"]!.AsObject();
        bool hasStarted = time["start"]!.GetValue<long>() > 0;
        bool hasEnded = time["end"]!.GetValue<long>() > 0;
        foreach (string name in new[] { "elapsed", "submission", "suspended" }) time[name] = Number(time[name]!.GetValue<long>());
        time["start"] = hasStarted ? Number(time["start"]!.GetValue<long>()) : Nothing();
        time["end"] = hasEnded ? Number(time["end"]!.GetValue<long>()) : Nothing();
        foreach ((string group, string name) in new[] { ("array", "task_id"), ("het", "job_offset") })
            job[group]![name] = job[group]![name] is { } known ? Number(known.GetValue<long>()) : dice.Next(2) == 0 ? null : Unset(0);
        string state = job["state"]!["current"]!.GetValue<string>();
        job["state"]!["current"] = dice.Next(3) switch { 0 => state, 1 => new JsonArray(state), _ => new JsonArray(state, "A_FLAG_OF_TOMORROW") };
        // What nobody knows yet.
        job[$"field_{dice.Next(10)}"] = Number(dice.Next());
        foreach (JsonNode? entry in job["tres"]!["allocated"]!.AsArray().Where(entry => entry!["count"] is not null))
            entry!["count"] = Number(entry["count"]!.GetValue<long>());
    }

    private JsonNode Number(long number) => dice.Next(4) switch
    {
        0 => number,
        1 => $"{number}",
        _ => new JsonObject { ["set"] = true, ["infinite"] = false, ["number"] = number },
    };

    private JsonNode? Nothing() => dice.Next(5) switch { 0 => 0, 1 => 4_294_967_294, 2 => 18_446_744_073_709_551_614, 3 => Unset(0), _ => Unset(99) };

    private static JsonObject Unset(long number) => new() { ["set"] = false, ["infinite"] = false, ["number"] = number };
}
