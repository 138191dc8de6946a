using HpcBilling.Rating.Domain;
using HpcBilling.ServiceDefaults.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HpcBilling.Rating.Accounting;

/// <summary>Half-open: from the first instant, up to but without the second; null where it is open.</summary>
internal sealed record Period(DateTimeOffset? From, DateTimeOffset? To)
{
    public static Period? Read(SiteCalendar calendar, string? from, string? to, out ProblemHttpResult? refusal)
    {
        refusal = null;
        DateTimeOffset begin = default, end = default;
        if (!string.IsNullOrEmpty(from) && !calendar.TryRead(from, out begin)) refusal = Problems.Invalid("from", SiteCalendar.Grammar);
        else if (!string.IsNullOrEmpty(to) && !calendar.TryRead(to, out end)) refusal = Problems.Invalid("to", SiteCalendar.Grammar);
        return refusal is null ? new Period(string.IsNullOrEmpty(from) ? null : begin, string.IsNullOrEmpty(to) ? null : end) : null;
    }
}
