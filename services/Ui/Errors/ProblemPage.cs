namespace HpcBilling.Ui.Errors;

/// <summary>What the error page shows.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Detail">Reason in words for this one request; null where only the status is known.</param>
/// <param name="TraceId">W3C trace id, for the operator.</param>
/// <param name="IsStaleForm">The form's antiforgery token was missing, old or somebody else's.</param>
/// <param name="FormPath">Page of such a form, to load it anew; null where there is none to go back to.</param>
public sealed record ProblemPage(int Status, string? Detail, string TraceId, bool IsStaleForm, string? FormPath = null)
{
    public string Title => Status switch
    {
        _ when IsStaleForm => Words.ProblemStaleForm,
        400 or 422 => Words.ProblemBadRequest,
        401 => Words.ProblemSignInNeeded,
        403 => Words.ProblemForbidden,
        404 => Words.ProblemNotFound,
        405 => Words.ProblemNotFound,
        409 => Words.ProblemConflict,
        429 => Words.ProblemTooMany,
        502 or 503 or 504 => Words.ProblemUnavailable,
        _ => Words.ProblemOurs,
    };

    public string Advice => Status switch
    {
        _ when IsStaleForm => Words.ProblemStaleFormAdvice,
        400 or 422 => Words.ProblemBadRequestAdvice,
        401 => Words.ProblemSignInNeededAdvice,
        403 => Words.ProblemForbiddenAdvice,
        404 or 405 => Words.ProblemNotFoundAdvice,
        409 => Words.ProblemConflictAdvice,
        429 => Words.ProblemTooManyAdvice,
        _ => Words.ProblemOursAdvice,
    };
}
