using System.Net;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace HpcBilling.Service.Tests.Defaults;

public sealed class ServiceClientTests
{
    [Fact]
    public async Task A_read_is_tried_again_and_a_write_is_not()
    {
        await using Flaky flaky = await Flaky.StartAsync(failures: 2);
        using HttpClient client = flaky.Client();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/")).StatusCode);
        Assert.Equal(3, flaky.Calls);

        flaky.Fail(2);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.PostAsync("/", null)).StatusCode);
        Assert.Equal(1, flaky.Calls);
    }

    [Fact]
    public async Task A_service_that_keeps_failing_is_left_alone_for_a_while()
    {
        await using Flaky flaky = await Flaky.StartAsync(failures: int.MaxValue);
        using HttpClient client = flaky.Client();
        for (int i = 0; i < 40; i++)
        {
            try
            {
                await client.PostAsync("/", null);
            }
            catch (HttpRequestException refused)
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            }
        }

        Assert.InRange(flaky.Calls, 20, 30);
    }

    private sealed class Flaky : IAsyncDisposable
    {
        private WebApplication app = null!;
        private int failures;
        private int calls;

        public int Calls => calls;

        public static async Task<Flaky> StartAsync(int failures)
        {
            var flaky = new Flaky { failures = failures };
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            flaky.app = builder.Build();
            flaky.app.Map("/", () =>
            {
                Interlocked.Increment(ref flaky.calls);
                return Interlocked.Decrement(ref flaky.failures) >= 0 ? Results.StatusCode(503) : Results.Ok();
            });
            await flaky.app.StartAsync();
            return flaky;
        }

        public void Fail(int times) => (failures, calls) = (times, 0);

        public HttpClient Client()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Configuration["services:flaky:http:0"] = app.Urls.Single();
            builder.Services.AddHttpContextAccessor();
            builder.AddServiceClient("flaky");
            return builder.Build().Services.GetRequiredService<IHttpClientFactory>().CreateClient("flaky");
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
