namespace HpcBilling.Contracts;

/// <summary>Sessions or personal access tokens of a user ended before their time, or what he may do has changed: whoever kept something on their strength asks again.</summary>
/// <param name="OrgId">Tenant.</param>
/// <param name="UserId">Whose; the <c>sub</c> of his tokens.</param>
/// <param name="RevokedAt">UTC; what was obtained later may be kept.</param>
public sealed record CredentialsRevoked(
    Guid OrgId,
    Guid UserId,
    DateTimeOffset RevokedAt);
