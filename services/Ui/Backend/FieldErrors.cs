using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace HpcBilling.Ui.Backend;

public static class FieldErrors
{
    /// <summary>Puts a service's objections at the fields of the form that they are about.</summary>
    /// <param name="form">Of the page.</param>
    /// <param name="answer">What the service said.</param>
    /// <param name="fieldOf">Field of the form for a field of the request, where their names differ.</param>
    /// <returns>True when every objection found its field, so that nothing is left to say elsewhere.</returns>
    public static bool TakeFieldErrors(this ModelStateDictionary form, IAnswer answer, Func<string, string>? fieldOf = null)
    {
        if (answer.Refusal is not { Fields.Count: > 0 } refusal) return false;
        bool allPlaced = true;
        foreach ((string named, string[] reasons) in refusal.Fields)
        {
            string field = fieldOf?.Invoke(named) ?? named;

            // The keys of a form are compared without case: "memoryGib" of the API is MemoryGib of the page.
            allPlaced &= form.ContainsKey(field);
            foreach (string reason in reasons) form.AddModelError(field, Sentence(reason));
        }

        return allPlaced;
    }

    // The services name the field before the reason; here it stands under its label.
    private static string Sentence(string reason) => reason.Length == 0 ? reason : char.ToUpperInvariant(reason[0]) + reason[1..] + (reason[^1] is '.' or '?' ? "" : ".");
}
