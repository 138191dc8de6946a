using HpcBilling.Identity.Domain;
using HpcBilling.Identity.SecondFactors;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using HpcBilling.ServiceDefaults.Http;

namespace HpcBilling.Identity.Accounts;

/// <summary><c>/api/v1/users</c>: the accounts of the caller's org, for its admins.</summary>
internal static class UsersApi
{
    private const string WriteScope = "users.write";
    private static readonly OrgOwned User = new("user", "SELECT org_id FROM users WHERE user_id = @Id");

    public static void Map(IEndpointRouteBuilder app)
    {
        RouteGroupBuilder users = app.MapGroup("/api/v1/users").RequireAuthorization(Policies.Admin, Policies.Scope(WriteScope));
        users.MapGet("/", ListUsers.HandleAsync);
        users.MapPost("/", CreateAsync);
        users.MapGet("/{id:guid}", ReadAsync).RefusesOtherOrgs(User);
        users.MapPatch("/{id:guid}", ChangeAsync).RefusesOtherOrgs(User);
        users.MapPost("/{id:guid}/reset", ResetAsync).RefusesOtherOrgs(User);
        users.MapDelete("/{id:guid}/second-factor", RemoveSecondFactorAsync).RefusesOtherOrgs(User);
    }

    private static async Task<IResult> ReadAsync(Caller caller, Guid id, Database database, TimeProvider clock, CancellationToken cancellation)
    {
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        return await UserView.FindAsync(tx, id, clock.GetUtcNow(), cancellation) is { } user ? TypedResults.Ok(user) : Problems.NotFound("user");
    }

    private static async Task<IResult> CreateAsync(
        HttpResponse response, Caller caller, NewUser wish, CreateUser create, CancellationToken cancellation)
    {
        response.Headers.CacheControl = "no-store";
        return await create.RunAsync(caller, wish, cancellation) switch
        {
            CreateUserOutcome.Created made => TypedResults.Created($"/api/v1/users/{made.User.Id}", UserWithCode.Of(made.User, made.Code)),
            CreateUserOutcome.Invalid invalid => Problems.Invalid(invalid.Field, invalid.Reason),
            CreateUserOutcome.NameTaken => Problems.Conflict("There is an account of that name."),
            var other => throw new InvalidOperationException($"Unknown outcome {other}"),
        };
    }

    private static async Task<IResult> ChangeAsync(
        Caller caller, Guid id, UserChange change, ChangeUser useCase, CancellationToken cancellation) =>
        await useCase.RunAsync(caller, id, change, cancellation) switch
        {
            ChangeUserOutcome.Done done => TypedResults.Ok(done.User),
            ChangeUserOutcome.NothingAsked => Problems.Invalid("role", "give a role, a status or both"),
            ChangeUserOutcome.NotFound => Problems.NotFound("user"),
            ChangeUserOutcome.LastAdmin => Problems.Conflict("This is the last active admin; make another one first."),
            var other => throw new InvalidOperationException($"Unknown outcome {other}"),
        };

    private static async Task<IResult> ResetAsync(
        HttpResponse response, Caller caller, Guid id, ResetUser reset, CancellationToken cancellation)
    {
        response.Headers.CacheControl = "no-store";
        return await reset.RunAsync(caller, id, cancellation) switch
        {
            ResetUserOutcome.Done done => TypedResults.Ok(UserWithCode.Of(done.User, done.Code)),
            ResetUserOutcome.NotFound => Problems.NotFound("user"),
            ResetUserOutcome.Disabled => Problems.Conflict("The account is disabled; enable it first."),
            ResetUserOutcome.OneOwn => Problems.Conflict("This is your own account; change its password on your account page."),
            var other => throw new InvalidOperationException($"Unknown outcome {other}"),
        };
    }

    private static async Task<IResult> RemoveSecondFactorAsync(
        Caller caller, Guid id, RemoveSecondFactor remove, CancellationToken cancellation) =>
        await remove.RunAsync(caller, id, cancellation) switch
        {
            RemoveSecondFactorOutcome.Done done => TypedResults.Ok(done.User),
            RemoveSecondFactorOutcome.NotFound => Problems.NotFound("user"),
            RemoveSecondFactorOutcome.HasNone => Problems.Conflict("The account has no second factor."),
            RemoveSecondFactorOutcome.OneOwn => Problems.Conflict("This is your own account; turn its second factor off on your account page."),
            var other => throw new InvalidOperationException($"Unknown outcome {other}"),
        };
}

/// <summary>
/// An account, and the code by which its owner sets the password on the page of this site that is named; the code is shown this once, and
/// null for an account that was given a password.
/// </summary>
internal sealed record UserWithCode(
    Guid Id, string Username, Role Role, AccountStatus Status, DateTimeOffset CreatedAt, bool HasPassword, bool HasSecondFactor,
    string? Code, DateTimeOffset? CodeExpiresAt, string? CodePath)
{
    public static UserWithCode Of(UserView user, PasswordCode? code) => new(
        user.Id, user.Username, user.Role, user.Status, user.CreatedAt, user.HasPassword, user.HasSecondFactor,
        code?.Text, code?.ExpiresAt, code is null ? null : SetPassword.Path);
}
