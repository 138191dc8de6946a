using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.Identity.SecondFactors;
using HpcBilling.Identity.Sessions;
using HpcBilling.Identity.Tokens;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Identity;

/// <summary>The container's contents.</summary>
internal static class IdentityServices
{
    /// <summary>Policy: a signed-in browser. Passwords, sessions and tokens are not managed with a token.</summary>
    public const string SessionPolicy = "session";

    /// <summary>Policy: a signed-in browser, also one whose session is good for setting up a second factor alone.</summary>
    public const string EnrolmentPolicy = "enrolment";

    public static WebApplicationBuilder AddIdentity(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<IdentityOptions>().BindConfiguration(IdentityOptions.Section).ValidateDataAnnotations()
            .Validate(options => options.Clients.All(client => client.IsComplete), "Identity:Clients: each needs Id, Secret (32 characters or more), Scopes and Audience")
            .Validate(options => options.Clients.All(client => client.Id != ClientAuthentication.GatewayId), "Identity:Clients: 'gateway' is the gateway's own")
            .Validate(options => options.Orgs.All(org => org.IsComplete), "Identity:Orgs: each needs a Slug of lower-case letters, digits and '-', and a Name of at most 200 characters")
            .ValidateOnStart();
        builder.Services.AddSingleton(services => new PasswordRules(CommonPasswords.Load(), services.GetRequiredService<IOptions<SiteOptions>>().Value.Name));
        builder.Services.AddSingleton<Passwords>().AddSingleton<PasswordCheck>().AddSingleton<ChangePassword>().AddSingleton<SetPassword>()
            .AddSingleton<CreateUser>().AddSingleton<ChangeUser>().AddSingleton<ResetUser>().AddHostedService<FirstAccounts>()
            .AddSingleton<SecondFactorStore>().AddSingleton<SecondFactorCheck>().AddSingleton<OwnSecondFactor>().AddSingleton<RemoveSecondFactor>()
            .AddSingleton<SignIn>().AddSingleton<FinishSignIn>().AddSingleton<SignOut>().AddSingleton<ListSessions>().AddHostedService<Housekeeping>()
            .AddSingleton<SigningKeys>().AddSingleton<AccessTokens>().AddSingleton<SubjectExchange>()
            .AddSingleton<ClientAuthentication>().AddSingleton<PersonalAccessTokens>();
        builder.Services.Configure<AuthorizationOptions>(options =>
        {
            options.AddPolicy(SessionPolicy, policy => policy.RequireAuthenticatedUser().RequireClaim(Claims.Role, "user", "admin").RequireClaim(Claims.Session));
            options.AddPolicy(EnrolmentPolicy, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => BrowserSession.Of(context.User) is not null));
        });
        builder.Services.AddSingleton<IAuthorizationMiddlewareResultHandler, LeadToEnrolment>();

        // The keys are at hand; fetching them over HTTP from ourselves would only add a way to fail.
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme).Configure<SigningKeys>((bearer, keys) =>
        {
            bearer.Configuration = new OpenIdConnectConfiguration { Issuer = bearer.TokenValidationParameters.ValidIssuer };
            foreach (ECDsaSecurityKey key in keys.Published) bearer.Configuration.SigningKeys.Add(key);
        });
        return builder;
    }

    public static WebApplication MapIdentity(this WebApplication app)
    {
        app.Services.GetRequiredService<SigningKeys>(); // a key that cannot sign is found now, not at the first request
        RouteGroupBuilder connect = app.MapGroup("/connect");
        TokenEndpoint.Map(connect);
        UserInfo.Map(connect);
        Revocation.Map(connect);
        Discovery.Map(app);
        AccessTokensApi.Map(app);
        UsersApi.Map(app);
        return app;
    }
}
