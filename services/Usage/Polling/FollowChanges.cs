namespace HpcBilling.Usage.Polling;

/// <summary>One task for each of what there is now: begun when it comes, stopped and awaited when it goes. What stays is not disturbed.</summary>
internal static class FollowChanges
{
    /// <param name="clusters">Tells of changes.</param>
    /// <param name="wanted">What there is now; the same thing is the same object.</param>
    /// <param name="work">Ends soon after it is cancelled, and throws nothing else.</param>
    /// <param name="stopping">Stops all of them.</param>
    public static async Task AllAsync<T>(Clusters clusters, Func<IReadOnlyList<T>> wanted, Func<T, CancellationToken, Task> work, CancellationToken stopping)
        where T : class
    {
        var running = new List<Running<T>>();
        try
        {
            await clusters.Loaded.WaitAsync(stopping);
            while (true)
            {
                // Taken before the look: what changes in between is seen next.
                Task change = clusters.Changed;
                IReadOnlyList<T> now = wanted();
                Running<T>[] gone = [.. running.Where(one => !now.Any(item => ReferenceEquals(item, one.Item)))];
                await Task.WhenAll(gone.Select(one => one.StopAsync()));
                running.RemoveAll(gone.Contains);
                running.AddRange(now.Where(item => !running.Any(one => ReferenceEquals(item, one.Item))).ToArray().Select(item => new Running<T>(item, work, stopping)));
                await change.WaitAsync(stopping);
            }
        }
        finally
        {
            await Task.WhenAll(running.Select(one => one.StopAsync()));
        }
    }

    private sealed class Running<T>
    {
        private readonly CancellationTokenSource stop;
        private readonly Task task;

        public Running(T item, Func<T, CancellationToken, Task> work, CancellationToken stopping)
        {
            Item = item;
            stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            CancellationToken token = stop.Token;
            task = Task.Run(() => work(item, token), CancellationToken.None);
        }

        public T Item { get; }

        public async Task StopAsync()
        {
            await stop.CancelAsync();
            await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }
    }
}
