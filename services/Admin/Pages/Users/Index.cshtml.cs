using HpcBilling.Admin.Clients;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Users;

/// <summary>The org's accounts, and a form for another one. A code is on the answer to that form and on no other page.</summary>
[ResponseCache(NoStore = true)]
public sealed class IndexModel(Clients.Users users) : PageModel
{
    [BindProperty(SupportsGet = true)] public string? Prefix { get; set; }
    [BindProperty(SupportsGet = true)] public string? Cursor { get; set; }
    [BindProperty] public string? Username { get; set; }
    [BindProperty] public string? Role { get; set; }
    [BindProperty] public string? Password { get; set; }

    public Answer<CursorPage<UserAccount>> List { get; private set; } = null!;
    public UserAccount? Created { get; private set; }
    public IAnswer? Failure { get; private set; }

    public Task OnGetAsync(CancellationToken ct) => LoadAsync(ct);

    public async Task<IActionResult> OnPostAsync(CancellationToken ct)
    {
        Answer<UserAccount> answer = await users.CreateAsync(Username?.Trim(), string.IsNullOrEmpty(Password) ? null : Password, Role ?? "user", ct);
        Created = answer.ValueOrNull;
        if (Created is not null) ClearForm();
        else if (!ModelState.TakeFieldErrors(answer)) Failure = answer;
        await LoadAsync(ct);
        return Page();
    }

    private void ClearForm()
    {
        ModelState.Clear();
        (Username, Role, Password) = (null, null, null);
    }

    private async Task LoadAsync(CancellationToken ct) => List = await users.ListAsync(Prefix?.Trim(), Cursor, ct);
}
