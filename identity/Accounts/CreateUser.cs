using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;

namespace HpcBilling.Identity.Accounts;

/// <summary>An admin opens an account in his org.</summary>
internal sealed class CreateUser(Database database, Passwords passwords, TimeProvider clock)
{
    private const string Sql = """
        INSERT INTO users (user_id, org_id, username, role, password_hash, password_changed_at, created_at)
        VALUES (@UserId, @OrgId, @Username, @Role, @Hash, @Now, @Now)
        ON CONFLICT (org_id, username) DO NOTHING
        """;

    public async Task<CreateUserOutcome> RunAsync(Caller caller, NewUser wish, CancellationToken cancellation)
    {
        string username = wish.Username ?? "";
        if (!SignInName.IsUsername(username))
            return new CreateUserOutcome.Invalid("username", "must be 1 to 64 letters, digits, '_', '.', '-', and begin with none of the last two");
        if (PasswordRules.Refusal(wish.Password ?? "", username) is { } reason) return new CreateUserOutcome.Invalid("password", reason);

        string hash = passwords.Hash(wish.Password!);
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        var user = new UserView(Guid.CreateVersion7(now), username, wish.Role, AccountStatus.Active, now);
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        var row = new { UserId = user.Id, caller.OrgId, Username = username, Role = Word.Of(wish.Role), Hash = hash, Now = now };
        if (await tx.ExecuteAsync(Sql, row, cancellation) == 0) return new CreateUserOutcome.NameTaken();
        await tx.AuditAsync(caller.Act("user.created", "user:" + username, Facts.Of(("role", row.Role))), cancellation);
        await tx.CommitAsync(cancellation);
        return new CreateUserOutcome.Created(user);
    }
}

/// <param name="Username">Unix name.</param>
/// <param name="Role">Default: user.</param>
/// <param name="Password">First password.</param>
internal sealed record NewUser(string? Username, string? Password, Role Role = Role.User);

internal abstract record CreateUserOutcome
{
    private CreateUserOutcome() { }

    internal sealed record Created(UserView User) : CreateUserOutcome;

    internal sealed record Invalid(string Field, string Reason) : CreateUserOutcome;

    internal sealed record NameTaken : CreateUserOutcome;
}
