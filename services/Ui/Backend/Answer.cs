namespace HpcBilling.Ui.Backend;

/// <summary>What another service said to a page: the thing asked for, or one of the ways not to get it.</summary>
public abstract record Answer<T> : IAnswer
    where T : class
{
    private Answer()
    {
    }

    public sealed record Got(T Value) : Answer<T>;

    /// <summary>It does not exist, or is somebody else's.</summary>
    public sealed record Missing : Answer<T>;

    /// <summary>The service understood and said no; the reason is for the person at the page.</summary>
    public sealed record Refused(Refusal Reason) : Answer<T>;

    /// <summary>It did not answer, or not sensibly; the page shows the rest of itself.</summary>
    public sealed record Unreachable(string Service) : Answer<T>;

    public T? ValueOrNull => this is Got got ? got.Value : null;

    Refusal? IAnswer.Refusal => (this as Refused)?.Reason;

    bool IAnswer.IsMissing => this is Missing;
}

/// <summary>An answer seen without its value: why there is none.</summary>
public interface IAnswer
{
    Refusal? Refusal { get; }

    bool IsMissing { get; }
}

/// <summary>Problem details (RFC 9457) as a page shows them.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Detail">Reason in words.</param>
/// <param name="Fields">Reasons by the field of the request that they belong to; empty when none is named.</param>
public sealed record Refusal(int Status, string Detail, IReadOnlyDictionary<string, string[]> Fields);
