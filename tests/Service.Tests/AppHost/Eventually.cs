using System.Diagnostics;

namespace HpcBilling.Service.Tests.AppHost;

/// <summary>Waits for a condition with a deadline.</summary>
internal static class Eventually
{
    public static Task IsTrueAsync(Func<bool> condition, string because, int withinSeconds = 20) =>
        IsTrueAsync(() => Task.FromResult(condition()), because, withinSeconds);

    public static async Task IsTrueAsync(Func<Task<bool>> condition, string because, int withinSeconds = 20)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed.TotalSeconds < withinSeconds, $"not within {withinSeconds} s: {because}");
            await Task.Delay(10);
        }
    }
}
