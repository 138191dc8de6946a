using HpcBilling.Identity.Domain;
using HpcBilling.ServiceDefaults;
using HpcBilling.ServiceDefaults.Auditing;
using HpcBilling.ServiceDefaults.Data;
using Microsoft.Extensions.Options;

namespace HpcBilling.Identity.Accounts;

/// <summary>Before the first request: the orgs of the configuration, an admin in each that has none; in Development also researchers and a token to play with.</summary>
internal sealed class FirstAccounts(
    Database database, Passwords passwords, PasswordRules rules, IOptions<IdentityOptions> options, IHostEnvironment environment, TimeProvider clock) : IHostedService
{
    private const string AdminName = "admin";
    private const string DemoTokenName = "demo";
    private static readonly string[] DemoNames = ["alice", "bob", "carol", "dave"];
    private static readonly TimeSpan DemoTokenLife = TimeSpan.FromDays(365);

    // Replicas start at the same time: one seeds, the others then find the rows.
    private const string LockSql = "SELECT pg_advisory_xact_lock(hashtextextended('first_accounts', 0))";

    private const string AddOrgSql = """
        INSERT INTO orgs (org_id, slug, name) VALUES (@OrgId, @Slug, @Name) ON CONFLICT (slug) DO NOTHING
        """;

    private const string OrgSql = "SELECT org_id FROM orgs WHERE slug = @Slug";

    private const string HasAdminSql = "SELECT EXISTS (SELECT 1 FROM users WHERE org_id = @OrgId AND role = 'admin')";

    private const string InsertUserSql = """
        INSERT INTO users (user_id, org_id, username, role, password_hash, password_changed_at, created_at)
        VALUES (@UserId, @OrgId, @Username, @Role, @Hash, @Now, @Now)
        ON CONFLICT (org_id, username) DO NOTHING
        """;

    private const string ReplaceDemoTokenSql = """
        INSERT INTO access_tokens (token_id, org_id, user_id, name, secret_hash, scopes, created_at, expires_at)
        SELECT @TokenId, @OrgId, user_id, @Name, @Hash, @Scopes, @Now, @ExpiresAt FROM users WHERE org_id = @OrgId AND username = @Username
        ON CONFLICT (secret_hash) DO UPDATE SET created_at = @Now, expires_at = @ExpiresAt, revoked_at = NULL
        """;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using OrgTransaction tx = await database.BeginWorkerAsync(cancellationToken);
        await tx.ExecuteAsync(LockSql, null, cancellationToken);
        foreach ((int index, OrgOptions org) in options.Value.Orgs.Index())
        {
            await tx.ExecuteAsync(AddOrgSql, new { OrgId = Guid.CreateVersion7(clock.GetUtcNow()), org.Slug, org.Name }, cancellationToken);
            await tx.EnterOrgAsync(await tx.ExecuteScalarAsync<Guid>(OrgSql, new { org.Slug }, cancellationToken), cancellationToken);
            await EnsureAdminAsync(tx, org.AdminPassword, $"Identity:Orgs:{index}:AdminPassword", cancellationToken);
        }

        await tx.EnterOrgAsync(Orgs.Default, cancellationToken);
        await EnsureAdminAsync(tx, options.Value.AdminPassword, "Identity:AdminPassword", cancellationToken);
        if (environment.IsDevelopment()) await AddDemoAsync(tx, cancellationToken);
        await tx.CommitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task EnsureAdminAsync(OrgTransaction tx, string? password, string key, CancellationToken cancellation)
    {
        if (await tx.ExecuteScalarAsync<bool>(HasAdminSql, new { tx.OrgId }, cancellation)) return;
        if (password is null) throw new InvalidOperationException($"{key} is missing, and there is no admin yet: nobody could sign in.");
        await AddAsync(tx, AdminName, Role.Admin, password, key, cancellation);
    }

    private async Task AddDemoAsync(OrgTransaction tx, CancellationToken cancellation)
    {
        if (options.Value.DemoPassword is { } password)
        {
            foreach (string name in DemoNames) await AddAsync(tx, name, Role.User, password, "Identity:DemoPassword", cancellation);
        }

        if (options.Value.DemoToken is not { } token) return;
        if (!Credential.IsPersonalAccessToken(token)) throw new InvalidOperationException("Identity:DemoToken is not of the form hpcb_ and 43 characters.");
        DateTimeOffset now = clock.GetUtcNow();
        var row = new
        {
            TokenId = Guid.CreateVersion7(now),
            tx.OrgId,
            Name = DemoTokenName,
            Hash = Credential.Hash(token),
            Scopes = Scopes.Of(Role.Admin).ToArray(),
            Now = now,
            ExpiresAt = now + DemoTokenLife,
            Username = AdminName,
        };
        await tx.ExecuteAsync(ReplaceDemoTokenSql, row, cancellation);
    }

    private async Task AddAsync(
        OrgTransaction tx, string username, Role role, string password, string key, CancellationToken cancellation)
    {
        if (await Account.FindAsync(tx, username, cancellation) is not null) return; // hashing is slow on purpose
        if (rules.Refusal(password, username) is { } reason) throw new InvalidOperationException($"{key} {reason}.");
        DateTimeOffset now = clock.GetUtcNow();
        var row = new
        {
            UserId = Guid.CreateVersion7(now),
            tx.OrgId,
            Username = username,
            Role = Word.Of(role),
            Hash = passwords.Hash(password),
            Now = now,
        };
        await tx.ExecuteAsync(InsertUserSql, row, cancellation);
        await tx.AuditAsync(new AuditAct("system", "user.created", "user:" + username, Facts.Of(("role", Word.Of(role)))), cancellation);
    }
}
