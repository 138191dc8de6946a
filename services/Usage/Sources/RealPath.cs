namespace HpcBilling.Usage.Sources;

/// <summary>Where a path leads when every link on the way is followed. What is not there yet stands for itself.</summary>
internal static class RealPath
{
    private const int LinksMax = 40;

    /// <param name="path">Absolute.</param>
    /// <exception cref="IOException">Its links lead round in a circle.</exception>
    public static string Of(string path)
    {
        string real = "/";
        int links = 0;
        var rest = new Stack<string>(Parts(path));
        while (rest.TryPop(out string? part))
        {
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? "/";
                continue;
            }

            string next = Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > LinksMax) throw new IOException($"{path} has too many links.");
            if (Path.IsPathRooted(target)) real = "/";
            foreach (string step in Parts(target)) rest.Push(step);
        }

        return real;
    }

    // Last first, as a stack takes them.
    private static IEnumerable<string> Parts(string path) => path.Split('/').Where(part => part is not ("" or ".")).Reverse();
}
