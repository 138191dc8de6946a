using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HpcBilling.ServiceDefaults.Auth;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace HpcBilling.Benchmarks;

/// <summary>What checking an access token costs a service, beside the bare signature check that no service can do without.</summary>
internal static class Tokens
{
    private const int Checks = 20_000;
    private const int Rounds = 5;
    private const string Issuer = "https://billing.example.org";

    public static async Task<int> RunAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var named = new ECDsaSecurityKey(key) { KeyId = "bench" };
        string token = Token(named);
        byte[] signed = Encoding.ASCII.GetBytes(token[..token.LastIndexOf('.')]);
        byte[] signature = Base64UrlEncoder.DecodeBytes(token[(token.LastIndexOf('.') + 1)..]);
        using var half = ECDsa.Create(key.ExportParameters(includePrivateParameters: false));

        await using WebApplication app = Service(new ECDsaSecurityKey(half) { KeyId = "bench" });
        RequestDelegate withToken = Pipeline(app, authenticate: true);
        RequestDelegate without = Pipeline(app, authenticate: false);
        double bare = await MeasureAsync(() => half.VerifyData(signed, signature, HashAlgorithmName.SHA256) ? Task.CompletedTask : throw new CryptographicException("refused"));
        double whole = await MeasureAsync(() => AskAsync(app, withToken, token, StatusCodes.Status200OK));
        double empty = await MeasureAsync(() => AskAsync(app, without, token, StatusCodes.Status200OK));
        Table.Print(
            ["what", "µs a request, one core"],
            [
                ["request without any check", Figure(empty)],
                ["request with the token checked and a policy met", Figure(whole)],
                ["difference", Figure(whole - empty)],
                ["bare ECDSA P-256 verification", Figure(bare)],
            ]);
        return whole - empty < 100 ? 0 : 1;
    }

    // The very registration of the services; only the keys do not come over the network.
    private static WebApplication Service(SecurityKey key)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Auth:Authority"] = Issuer });
        builder.AddTokenValidation("usage");
        builder.Services.Configure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, bearer =>
        {
            bearer.Configuration = new OpenIdConnectConfiguration { Issuer = Issuer };
            bearer.Configuration.SigningKeys.Add(key);
        });
        builder.Services.AddSingleton(TimeProvider.System);
        return builder.Build();
    }

    private static RequestDelegate Pipeline(WebApplication app, bool authenticate)
    {
        var pipeline = new ApplicationBuilder(app.Services);
        if (authenticate) pipeline.UseAuthentication().UseAuthorization();
        pipeline.Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
            return Task.CompletedTask;
        });
        return pipeline.Build();
    }

    private static async Task AskAsync(WebApplication app, RequestDelegate pipeline, string token, int expected)
    {
        await using AsyncServiceScope scope = app.Services.CreateAsyncScope();
        var context = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        context.Request.Headers.Authorization = "Bearer " + token;
        context.SetEndpoint(Endpoint);
        context.Response.StatusCode = 0;
        await pipeline(context);
        if (context.Response.StatusCode != expected) throw new InvalidOperationException($"Answered {context.Response.StatusCode}");
    }

    private static readonly Endpoint Endpoint =
        new(null, new EndpointMetadataCollection(new Microsoft.AspNetCore.Authorization.AuthorizeAttribute(Policies.User)), "bench");

    private static async Task<double> MeasureAsync(Func<Task> once)
    {
        double best = double.MaxValue;
        for (int round = 0; round <= Rounds; round++)
        {
            long began = Stopwatch.GetTimestamp();
            for (int check = 0; check < Checks; check++) await once();
            if (round > 0) best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalMicroseconds / Checks); // the first warms up
        }

        return best;
    }

    private static string Token(SecurityKey key) => new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
    {
        Issuer = Issuer,
        TokenType = "at+jwt",
        Expires = TimeProvider.System.GetUtcNow().AddHours(1).UtcDateTime,
        Claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["aud"] = new[] { "portal", "usage", "rating", "payment", "identity" },
            [Claims.Subject] = Guid.Empty,
            [Claims.Username] = "alice",
            [Claims.OrgId] = Guid.Empty,
            [Claims.Role] = "user",
            [Claims.Scope] = string.Join(' ', RoleScopes.Of(RoleScopes.User)),
            [Claims.Session] = Guid.Empty,
            [Claims.ClientId] = "gateway",
        },
        SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256),
    });

    private static string Figure(double microseconds) => microseconds.ToString("N1", CultureInfo.InvariantCulture);
}
