using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HpcBilling.Service.Tests.Pages;

/// <summary>Identity: accounts.</summary>
public sealed partial class StandInBackend
{
    private static void MapIdentity(WebApplication app)
    {
        app.MapGet("/api/v1/users", () => new { items = new[] { User(code: null) }, nextCursor = (string?)null });
        app.MapGet("/api/v1/users/{id:guid}", (Guid id) => User(code: null));
        app.MapPost("/api/v1/users", (UserWish wish) => wish.Password == "short"
            ? Results.Problem(new HttpValidationProblemDetails(new Dictionary<string, string[]> { ["password"] = ["must have at least 12 characters"] }) { Status = 422 })
            : Results.Json(User(wish.Password is null ? Code : null), statusCode: 201));
        app.MapPatch("/api/v1/users/{id:guid}", (Guid id, UserWish wish) => wish.Role == "user"
            ? Results.Problem(statusCode: 409, detail: "This is the last active admin; make another one first.")
            : Results.Json(User(code: null)));
        app.MapPost("/api/v1/users/{id:guid}/reset", (Guid id) => User(Code));
        app.MapDelete("/api/v1/users/{id:guid}/second-factor", (Guid id) => User(code: null));
    }

    private static object User(string? code) => new
    {
        id = Account,
        username = Hostile,
        role = "admin",
        status = "active",
        createdAt = Noon,
        hasPassword = code is null,
        hasSecondFactor = true,
        code,
        codeExpiresAt = code is null ? (DateTimeOffset?)null : Noon,
        codePath = code is null ? null : "/login/reset",
    };

    private sealed record UserWish(string? Username, string? Password, string? Role);
}
