using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>Usage: sources that admins set up.</summary>
public sealed partial class StandInBackend
{
    public const string Url = "https://slurm.example.org:6820";
    public const int Revision = 2;

    /// <summary>What the operator allows.</summary>
    public enum Reached
    {
        All,
        FoldersAlone,
        Nothing,
    }

    public Reached Reach { get; set; }

    private void MapSources(WebApplication app)
    {
        app.MapGet("/api/v1/sources", () => new
        {
            items = new[]
            {
                Source("sacct", "sacct", id: null, new { slurmConf = "slurm.conf" }),
                Source(Hostile, "slurmrestd", OwnSource, new { url = Url, tokenFile = "old.jwt", user = Hostile, timeoutSeconds = 60, answerRecordsMax = 1000, readsSteps = true }),
            },
            reach = new
            {
                hosts = Reach == Reached.All ? (string[])["slurm.example.org:6820", "127.0.0.1:6820"] : [],
                sockets = Array.Empty<string>(),
                secrets = (string[])["token.jwt", Hostile],
                slurmConfs = Array.Empty<string>(),
                folders = Reach == Reached.Nothing ? [] : (string[])["/srv/sacct"],
            },
            sourcesMax = 100,
        });
        app.MapPost("/api/v1/sources", (SourceWish wish) => Refusal(wish) ?? Results.Json(Source(wish.Name, wish.Kind, OwnSource, wish.Settings), statusCode: 201));
        app.MapPut("/api/v1/sources/{id:guid}", (Guid id, SourceWish wish) => wish.Revision != Revision
            ? Results.Problem(statusCode: 409, detail: "The source was changed meanwhile.")
            : Refusal(wish) ?? Results.Json(Source(wish.Name, wish.Kind, id, wish.Settings)));
        app.MapDelete("/api/v1/sources/{id:guid}", (Guid id) => Results.NoContent());
        app.MapPost("/api/v1/sources/check", (SourceWish wish) => Refusal(wish) ?? Results.Json(wish.Name == "down"
            ? new { works = false, version = (string?)null, records = (long?)null, error = (string?)Hostile, milliseconds = 20000 }
            : new { works = true, version = (string?)"v0.0.38", records = (long?)1234, error = (string?)null, milliseconds = 41 }));
    }

    private static IResult? Refusal(SourceWish wish) => wish switch
    {
        { Name: "taken" } => Results.Problem(statusCode: 409, detail: "The cluster has a source of that name."),
        { Kind: "slurmrestd", Settings.Url: not Url } => Invalid("settings.url", "is not among the hosts that the operator allows"),
        { Cluster: "a b" } => Invalid("cluster", "may hold letters only"),
        { Name: "odd" } => Invalid("settings.odd", "is not known"),
        _ => null,
    };

    private static IResult Invalid(string field, string reason) =>
        Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { [field] = [reason] }) { Status = 422, Detail = $"{field}: {reason}" });

    private static object Source(string name, string kind, Guid? id, object settings) => new
    {
        id,
        origin = id is null ? "configuration" : "admin",
        cluster = "c",
        name,
        kind,
        preference = id is null ? 1 : 2,
        enabled = true,
        revision = Revision,
        problem = id is null ? null : Hostile,
        settings,
        changedBy = id is null ? null : Hostile,
        changedAt = id is null ? (DateTimeOffset?)null : Noon,
    };

    private sealed record SourceWish(string Cluster, string Name, string Kind, int Preference, bool Enabled, WishedSettings Settings, long? Revision);

    private sealed record WishedSettings(string? Url, string? Path);
}
