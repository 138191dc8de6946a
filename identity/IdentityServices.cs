using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Sessions;
using HpcBilling.Identity.Tokens;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace HpcBilling.Identity;

/// <summary>The container's contents.</summary>
internal static class IdentityServices
{
    /// <summary>Policy: a signed-in browser. Passwords, sessions and tokens are not managed with a token.</summary>
    public const string SessionPolicy = "session";

    public static WebApplicationBuilder AddIdentity(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<IdentityOptions>().BindConfiguration(IdentityOptions.Section).ValidateDataAnnotations()
            .Validate(options => options.Orgs.All(org => org.IsComplete), "Identity:Orgs: each needs a Slug of lower-case letters, digits and '-', and a Name of at most 200 characters")
            .ValidateOnStart();
        builder.Services.AddSingleton<Passwords>().AddSingleton<PasswordCheck>().AddSingleton<ChangePassword>()
            .AddSingleton<CreateUser>().AddSingleton<ChangeUser>().AddHostedService<FirstAccounts>()
            .AddSingleton<SignIn>().AddSingleton<SignOut>().AddSingleton<ListSessions>().AddHostedService<Housekeeping>()
            .AddSingleton<SigningKeys>().AddSingleton<SigningKeyStore>().AddHostedService<SigningKeyFollower>().AddSingleton<AccessTokens>().AddSingleton<SubjectExchange>()
            .AddSingleton<ClientAuthentication>().AddSingleton<ClientAssertion>().AddSingleton<IssuedTokens>().AddHostedService<TokenHousekeeping>()
            .AddSingleton<IValidateOptions<IdentityOptions>, TokenOptionsCheck>().AddSingleton<PersonalAccessTokens>();
        builder.Services.Configure<AuthorizationOptions>(options => options.AddPolicy(
            SessionPolicy, policy => policy.RequireAuthenticatedUser().RequireClaim(Claims.Role, "user", "admin").RequireClaim(Claims.Session)));

        // The keys are at hand; fetching them over HTTP from ourselves would only add a way to fail.
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme).Configure<SigningKeys>((bearer, keys) =>
        {
            bearer.Configuration = new OpenIdConnectConfiguration { Issuer = bearer.TokenValidationParameters.ValidIssuer };
            bearer.TokenValidationParameters.IssuerSigningKeyResolver = (_, _, keyId, _) => keys.Published.Where(key => key.KeyId == keyId);
        });
        return builder;
    }

    public static WebApplication MapIdentity(this WebApplication app)
    {
        TokenEndpoint.Map(app);
        UserInfo.Map(app);
        Revocation.Map(app);
        Introspection.Map(app);
        Discovery.Map(app);
        AccessTokensApi.Map(app);
        SigningKeysApi.Map(app);
        UsersApi.Map(app);
        return app;
    }
}
