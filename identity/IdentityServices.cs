using HpcBilling.Identity.Accounts;
using HpcBilling.Identity.Domain;
using HpcBilling.Identity.Federation;
using HpcBilling.Identity.SecondFactors;
using HpcBilling.Identity.Sessions;
using HpcBilling.Identity.Tokens;
using HpcBilling.ServiceDefaults.Auth;
using HpcBilling.Ui.Formatting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

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
            .Validate(options => options.Orgs.All(org => org.IsComplete), "Identity:Orgs: each needs a Slug of lower-case letters, digits and '-', and a Name of at most 200 characters")
            .ValidateOnStart();
        builder.Services.AddSingleton(services => new PasswordRules(CommonPasswords.Load(), services.GetRequiredService<IOptions<SiteOptions>>().Value.Name));
        builder.Services.AddSingleton<Passwords>().AddSingleton<PasswordCheck>().AddSingleton<ChangePassword>().AddSingleton<SetPassword>()
            .AddSingleton<CreateUser>().AddSingleton<ChangeUser>().AddSingleton<ResetUser>().AddHostedService<FirstAccounts>()
            .AddSingleton<SecondFactorStore>().AddSingleton<SecondFactorCheck>().AddSingleton<OwnSecondFactor>().AddSingleton<RemoveSecondFactor>()
            .AddSingleton<SignIn>().AddSingleton<FinishSignIn>().AddSingleton<SignOut>().AddSingleton<ListSessions>().AddHostedService<Housekeeping>();
        builder.AddTokens();
        builder.AddFederation();
        builder.Services.Configure<AuthorizationOptions>(options =>
        {
            options.AddPolicy(SessionPolicy, policy => policy.RequireAuthenticatedUser().RequireClaim(Claims.Role, "user", "admin").RequireClaim(Claims.Session));
            options.AddPolicy(EnrolmentPolicy, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => BrowserSession.Of(context.User) is not null));
        });
        builder.Services.AddSingleton<IAuthorizationMiddlewareResultHandler, LeadToEnrolment>();
        return builder;
    }

    public static WebApplication MapIdentity(this WebApplication app)
    {
        app.MapTokens();
        UsersApi.Map(app);
        return app;
    }
}
