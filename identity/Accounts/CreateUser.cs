using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Accounts;

/// <summary>An admin opens an account in his org, with a first password or with a code by which its owner sets one.</summary>
internal sealed class CreateUser(
    Database database, Passwords passwords, PasswordRules rules, IOptions<IdentityOptions> options, TimeProvider clock)
{
    private const string Sql = """
        INSERT INTO users (user_id, org_id, username, role, password_hash, password_changed_at, created_at)
        VALUES (@UserId, @OrgId, @Username, @Role, @Hash, @PasswordAt, @Now)
        ON CONFLICT (org_id, username) DO NOTHING
        """;

    public async Task<CreateUserOutcome> RunAsync(Caller caller, NewUser wish, CancellationToken cancellation)
    {
        string username = wish.Username ?? "";
        if (!SignInName.IsUsername(username))
            return new CreateUserOutcome.Invalid("username", "must be 1 to 64 letters, digits, '_', '.', '-', and begin with none of the last two");
        string? password = string.IsNullOrEmpty(wish.Password) ? null : wish.Password;
        if (password is not null && rules.Refusal(password, username) is { } reason) return new CreateUserOutcome.Invalid("password", reason);

        string? hash = password is null ? null : passwords.Hash(password);
        DateTimeOffset now = Microseconds.Truncate(clock.GetUtcNow());
        var userId = Guid.CreateVersion7(now);
        await using OrgTransaction tx = await database.BeginAsync(caller.OrgId, cancellation);
        var row = new
        {
            UserId = userId, caller.OrgId, Username = username, Role = Word.Of(wish.Role), Hash = hash, PasswordAt = hash is null ? null : (DateTimeOffset?)now, Now = now,
        };
        if (await tx.ExecuteAsync(Sql, row, cancellation) == 0) return new CreateUserOutcome.NameTaken();
        PasswordCode? code = hash is null
            ? await PasswordCodes.MakeAsync(tx, userId, caller.Username, now, options.Value.PasswordCodeLife, cancellation)
            : null;
        await tx.AuditAsync(
            caller.Act("user.created", "user:" + username, Facts.Of(("role", row.Role), ("with", code is null ? "password" : "code"))), cancellation);
        await tx.CommitAsync(cancellation);
        var user = new UserView(userId, username, wish.Role, AccountStatus.Active, now, hash is not null, HasSecondFactor: false, code?.ExpiresAt);
        return new CreateUserOutcome.Created(user, code);
    }
}

/// <param name="Username">Unix name.</param>
/// <param name="Password">First password; without one the answer holds a code by which the owner sets it.</param>
/// <param name="Role">Default: user.</param>
internal sealed record NewUser(string? Username, string? Password, Role Role = Role.User);

internal abstract record CreateUserOutcome
{
    private CreateUserOutcome() { }

    /// <param name="User">The account.</param>
    /// <param name="Code">For an account without a password; shown this once.</param>
    internal sealed record Created(UserView User, PasswordCode? Code) : CreateUserOutcome;

    internal sealed record Invalid(string Field, string Reason) : CreateUserOutcome;

    internal sealed record NameTaken : CreateUserOutcome;
}
