using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.ServiceDefaults.Auth;

/// <summary>
/// Every service checks every token itself: each issuer has a scheme of its own with its own keys, audience, algorithms and types, and the
/// token's <c>iss</c> only chooses which of them checks it.
/// </summary>
internal static class TokenValidation
{
    // Asymmetric alone: with HS256 in the list a public key could be used as a shared secret.
    private static readonly string[] Algorithms = [SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.RsaSha256];
    private static readonly TimeSpan UnknownKeyInterval = TimeSpan.FromSeconds(10);

    public static void AddTokenValidation(this WebApplicationBuilder builder, string service)
    {
        IConfigurationSection section = builder.Configuration.GetSection(AuthOptions.Section);
        AuthOptions auth = section.Get<AuthOptions>() ?? new AuthOptions();
        builder.Services.AddOptions<AuthOptions>().Bind(section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<AuthOptions>, AuthOptionsCheck>();

        bool httpsOnly = builder.Environment.IsProduction();
        var schemes = new TokenSchemes();
        AuthenticationBuilder authentication = builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme);
        AddScheme(JwtBearerDefaults.AuthenticationScheme, bearer =>
        {
            bearer.Authority = auth.MetadataAddress is null ? auth.Authority : null;
            bearer.MetadataAddress = auth.MetadataAddress ?? bearer.MetadataAddress;
            bearer.RequireHttpsMetadata = httpsOnly && !IsLoopback(auth.MetadataAddress ?? auth.Authority);
            bearer.TokenValidationParameters.ValidIssuer = auth.IssuerName;
            bearer.TokenValidationParameters.ValidAudience = auth.Audience ?? service;
            bearer.TokenValidationParameters.ValidAlgorithms = Algorithms;
            bearer.ForwardDefaultSelector = context => schemes.Of(context);
        });
        foreach ((OutsideIssuerOptions issuer, int index) in auth.Issuers.Select((issuer, index) => (issuer, index)))
        {
            schemes.Add(issuer.Authority, $"issuer {index}");
            AddScheme($"issuer {index}", bearer => ConfigureOutside(bearer, issuer, httpsOnly));
        }

        if (auth.DevelopmentSecret is { } secret)
        {
            schemes.Add(DevelopmentTokens.Issuer, DevelopmentTokens.Scheme);
            AddScheme(DevelopmentTokens.Scheme, bearer => DevelopmentTokens.Configure(bearer, secret));
        }

        builder.Services.AddSingleton(schemes).AddHostedService<SigningKeyRefresh>();
        builder.Services.AddAuthorization(Policies.Configure);

        void AddScheme(string name, Action<JwtBearerOptions> configure)
        {
            authentication.AddJwtBearer(name, bearer =>
            {
                Harden(bearer, auth, builder.Environment.IsDevelopment());
                configure(bearer);
            });
            builder.Services.PostConfigure<JwtBearerOptions>(name, ForgetDroppedKeys);
        }
    }

    private static void Harden(JwtBearerOptions bearer, AuthOptions auth, bool explain)
    {
        bearer.MapInboundClaims = false;
        bearer.IncludeErrorDetails = explain;
        bearer.BackchannelTimeout = TimeSpan.FromSeconds(10);

        // A token with a key that is not known fetches the keys again, but not more often than this: made-up kids are no load for the issuer.
        var refresh = TimeSpan.FromSeconds(auth.KeyRefreshSeconds);
        bearer.RefreshInterval = refresh < UnknownKeyInterval ? refresh : UnknownKeyInterval;
        bearer.TokenValidationParameters = new TokenValidationParameters
        {
            ValidTypes = ["at+jwt"],
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            TryAllIssuerSigningKeys = false, // the key that the token names, or none
            ClockSkew = TimeSpan.FromSeconds(auth.ClockSkewSeconds),
            NameClaimType = Claims.Username,
            RoleClaimType = Claims.Role,
        };
    }

    private static void ConfigureOutside(JwtBearerOptions bearer, OutsideIssuerOptions issuer, bool httpsOnly)
    {
        bearer.MetadataAddress = issuer.DiscoveryAddress;
        bearer.RequireHttpsMetadata = httpsOnly && !IsLoopback(issuer.DiscoveryAddress);
        bearer.TokenValidationParameters.ValidIssuer = issuer.Authority;
        bearer.TokenValidationParameters.ValidAudience = issuer.Audience;
        bearer.TokenValidationParameters.ValidAlgorithms = issuer.AlgorithmsInForce;
        bearer.TokenValidationParameters.ValidTypes = issuer.TypesInForce;
        bearer.Events = new JwtBearerEvents
        {
            OnTokenValidated = context =>
            {
                (var identity, string? refusal) = OutsideIdentity.Read((JsonWebToken)context.SecurityToken, issuer);
                if (identity is null) context.Fail(refusal!);
                else context.Principal = new(identity);
                return Task.CompletedTask;
            },
        };
    }

    // The library would fall back to the keys before for an hour: exactly those that an issuer has dropped.
    private static void ForgetDroppedKeys(JwtBearerOptions bearer)
    {
        if (bearer.ConfigurationManager is BaseConfigurationManager manager) manager.UseLastKnownGoodConfiguration = false;
        if (bearer.ConfigurationManager is Microsoft.IdentityModel.Protocols.ConfigurationManager<OpenIdConnectConfiguration> fetched)
            fetched.AutomaticRefreshInterval = BaseConfigurationManager.MinimumAutomaticRefreshInterval;
    }

    private static bool IsLoopback(string? address) => Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.IsLoopback;
}

/// <summary>Which scheme checks the tokens of which issuer; the default one checks all others.</summary>
internal sealed class TokenSchemes
{
    private const string Prefix = "Bearer ";
    private const int TokenCharactersMax = 16 * 1024;
    private static readonly JsonWebTokenHandler Reader = new() { MaximumTokenSizeInBytes = TokenCharactersMax };
    private readonly Dictionary<string, string> schemes = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Names => [JwtBearerDefaults.AuthenticationScheme, .. schemes.Values];

    public void Add(string issuer, string scheme) => schemes[issuer] = scheme;

    /// <returns>Null: the default scheme.</returns>
    public string? Of(HttpContext context)
    {
        if (schemes.Count == 0) return null;
        string header = context.Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || header.Length > TokenCharactersMax) return null;
        try
        {
            return schemes.GetValueOrDefault(Reader.ReadJsonWebToken(header[Prefix.Length..].Trim()).Issuer);
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or SecurityTokenException)
        {
            return null; // refused there as any other text
        }
    }
}
