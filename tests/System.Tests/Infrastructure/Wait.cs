using System.Diagnostics;

namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>Waiting for a condition with a deadline; the failure says what was waited for.</summary>
public static class Wait
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public static Task UntilAsync(string what, Func<Task<bool>> condition, int seconds = 90) =>
        ForAsync(what, async () => await condition() ? "yes" : null, seconds);

    /// <returns>The first value that is not null.</returns>
    public static async Task<T> ForAsync<T>(string what, Func<Task<T?>> read, int seconds = 90)
        where T : class
    {
        long began = Stopwatch.GetTimestamp();
        Exception? last = null;
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(seconds))
        {
            try
            {
                if (await read() is { } value) return value;
                last = null;
            }
            catch (Exception failure) when (failure is HttpRequestException or IOException or TaskCanceledException or Npgsql.NpgsqlException)
            {
                last = failure;
            }

            await Task.Delay(Pause);
        }

        throw new TimeoutException($"Not seen within {seconds} s: {what}. {last?.Message}", last);
    }
}
