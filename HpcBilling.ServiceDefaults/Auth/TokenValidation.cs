using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.ServiceDefaults.Auth;

internal static class TokenValidation
{
    // Asymmetric alone: with HS256 in the list a public key could be used as a shared secret.
    private static readonly string[] Algorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256];

    public static void AddTokenValidation(this WebApplicationBuilder builder, string service)
    {
        AuthOptions auth = builder.Configuration.GetSection(AuthOptions.Section).Get<AuthOptions>() ?? new AuthOptions();
        builder.Services.AddOptions<AuthOptions>().Bind(builder.Configuration.GetSection(AuthOptions.Section)).ValidateDataAnnotations()
            .Validate(options => options.Authority is not null || (options.MetadataAddress is not null && options.Issuer is not null),
                "Auth:Authority (or Auth:MetadataAddress with Auth:Issuer) is missing: no token could be checked")
            .ValidateOnStart();

        builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(bearer =>
        {
            bearer.Authority = auth.MetadataAddress is null ? auth.Authority : null;
            bearer.MetadataAddress = auth.MetadataAddress ?? bearer.MetadataAddress;
            bearer.RequireHttpsMetadata = builder.Environment.IsProduction() && !IsLoopback(auth.MetadataAddress ?? auth.Authority);
            bearer.MapInboundClaims = false;
            bearer.IncludeErrorDetails = builder.Environment.IsDevelopment();
            bearer.TokenValidationParameters = new TokenValidationParameters
            {
                ValidIssuer = auth.Issuer ?? auth.Authority,
                ValidAudience = auth.Audience ?? service,
                ValidAlgorithms = Algorithms,
                ValidTypes = ["at+jwt"],
                RequireSignedTokens = true,
                RequireExpirationTime = true,
                ClockSkew = TimeSpan.FromSeconds(auth.ClockSkewSeconds),
                NameClaimType = Claims.Username,
                RoleClaimType = Claims.Role,
            };
        });
        builder.Services.AddAuthorization(Policies.Configure);
    }

    private static bool IsLoopback(string? address) => Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.IsLoopback;
}
