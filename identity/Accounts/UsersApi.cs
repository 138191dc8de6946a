using HpcBilling.Identity.Domain;
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
        users.MapPatch("/{id:guid}", ChangeAsync).RefusesOtherOrgs(User);
    }

    private static async Task<IResult> CreateAsync(Caller caller, NewUser wish, CreateUser create, CancellationToken cancellation) =>
        await create.RunAsync(caller, wish, cancellation) switch
        {
            CreateUserOutcome.Created made => TypedResults.Created($"/api/v1/users/{made.User.Id}", made.User),
            CreateUserOutcome.Invalid invalid => Problems.Invalid(invalid.Field, invalid.Reason),
            CreateUserOutcome.NameTaken => Problems.Conflict("There is an account of that name."),
            var other => throw new InvalidOperationException($"Unknown outcome {other}"),
        };

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
}

/// <summary>An account as its admin sees it.</summary>
internal sealed record UserView(Guid Id, string Username, Role Role, AccountStatus Status, DateTimeOffset CreatedAt);
