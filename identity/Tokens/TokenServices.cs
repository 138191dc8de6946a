using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace HpcBilling.Identity.Tokens;

/// <summary>Everything about tokens: keys, clients, the OAuth endpoints, personal access tokens.</summary>
internal static class TokenServices
{
    public static void AddTokens(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SigningKeys>().AddSingleton<SigningKeyStore>().AddHostedService<SigningKeyFollower>()
            .AddSingleton<AccessTokens>().AddSingleton<IssuedTokens>().AddSingleton<SubjectExchange>().AddSingleton<PersonalAccessTokens>()
            .AddSingleton<ClientAuthentication>().AddSingleton<ClientAssertion>().AddHostedService<TokenHousekeeping>()
            .AddSingleton<IValidateOptions<IdentityOptions>, TokenOptionsCheck>();

        // The keys are at hand; fetching them over HTTP from ourselves would only add a way to fail.
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme).Configure<SigningKeys>((bearer, keys) =>
        {
            bearer.Configuration = new OpenIdConnectConfiguration { Issuer = bearer.TokenValidationParameters.ValidIssuer };
            bearer.TokenValidationParameters.IssuerSigningKeyResolver = (_, _, keyId, _) => keys.Published.Where(key => key.KeyId == keyId);
        });
    }

    public static void MapTokens(this IEndpointRouteBuilder app)
    {
        TokenEndpoint.Map(app);
        UserInfo.Map(app);
        Introspection.Map(app);
        Revocation.Map(app);
        Discovery.Map(app);
        AccessTokensApi.Map(app);
        SigningKeysApi.Map(app);
    }
}
