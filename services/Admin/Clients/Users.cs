using HpcBilling.Ui.Backend;

namespace HpcBilling.Admin.Clients;

/// <summary>The org's accounts, as identity keeps them.</summary>
public sealed class Users(ServiceApi api)
{
    private const string Service = "identity";
    private const string Path = "/api/v1/users";

    public Task<Answer<CursorPage<UserAccount>>> ListAsync(string? prefix, string? cursor, CancellationToken ct) =>
        api.GetAsync<CursorPage<UserAccount>>(Service, Path, new Query { ["prefix"] = prefix, ["cursor"] = cursor }, ct);

    public Task<Answer<UserAccount>> FindAsync(Guid id, CancellationToken ct) => api.GetAsync<UserAccount>(Service, $"{Path}/{id}", new Query(), ct);

    public Task<Answer<UserAccount>> CreateAsync(string? username, string? password, string? role, CancellationToken ct) =>
        api.SendAsync<UserAccount>(Service, HttpMethod.Post, Path, new { username, password, role }, ct);

    public Task<Answer<UserAccount>> ChangeRoleAsync(Guid id, string? role, CancellationToken ct) =>
        api.SendAsync<UserAccount>(Service, HttpMethod.Patch, $"{Path}/{id}", new { role }, ct);

    public Task<Answer<UserAccount>> ChangeStatusAsync(Guid id, string status, CancellationToken ct) =>
        api.SendAsync<UserAccount>(Service, HttpMethod.Patch, $"{Path}/{id}", new { status }, ct);

    public Task<Answer<UserAccount>> ResetAsync(Guid id, CancellationToken ct) =>
        api.SendAsync<UserAccount>(Service, HttpMethod.Post, $"{Path}/{id}/reset", new { }, ct);

    public Task<Answer<UserAccount>> RemoveSecondFactorAsync(Guid id, CancellationToken ct) =>
        api.SendAsync<UserAccount>(Service, HttpMethod.Delete, $"{Path}/{id}/second-factor", new { }, ct);
}

/// <summary>An account: role <c>user</c> or <c>admin</c>, status <c>active</c> or <c>disabled</c>; with a code to set the password right after that was made.</summary>
public sealed record UserAccount(
    Guid Id,
    string Username,
    string Role,
    string Status,
    DateTimeOffset CreatedAt,
    bool HasPassword,
    bool HasSecondFactor,
    DateTimeOffset? CodeExpiresAt,
    string? Code,
    string? CodePath)
{
    public bool IsActive => Status == "active";
    public bool IsAdmin => Role == "admin";
}
