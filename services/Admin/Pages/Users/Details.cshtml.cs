using HpcBilling.Admin.Clients;
using HpcBilling.Ui;
using HpcBilling.Ui.Backend;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace HpcBilling.Admin.Pages.Users;

/// <summary>One account: its role, its status, its password and second factor.</summary>
[ResponseCache(NoStore = true)]
public sealed class DetailsModel(Clients.Users users) : PageModel
{
    [BindProperty] public string? Role { get; set; }

    public Answer<UserAccount> Account { get; private set; } = null!;
    public IAnswer? Failure { get; private set; }
    public string? Message { get; private set; }

    /// <summary>An admin's own password and second factor are changed where the current ones are asked for.</summary>
    public bool IsOwn => Account.ValueOrNull?.Username == User.Username();

    public async Task<IActionResult> OnGetAsync(Guid id, CancellationToken ct)
    {
        Account = await users.FindAsync(id, ct);
        return Account.ErrorPage() ?? Page();
    }

    public async Task<IActionResult> OnPostRoleAsync(Guid id, CancellationToken ct) => await ShowAsync(id, await users.ChangeRoleAsync(id, Role, ct), Words.UserChanged, ct);

    public async Task<IActionResult> OnPostDisableAsync(Guid id, CancellationToken ct) => await ShowAsync(id, await users.ChangeStatusAsync(id, "disabled", ct), Words.UserChanged, ct);

    public async Task<IActionResult> OnPostEnableAsync(Guid id, CancellationToken ct) => await ShowAsync(id, await users.ChangeStatusAsync(id, "active", ct), Words.UserChanged, ct);

    public async Task<IActionResult> OnPostResetAsync(Guid id, CancellationToken ct) => await ShowAsync(id, await users.ResetAsync(id, ct), message: null, ct);

    public async Task<IActionResult> OnPostRemoveSecondFactorAsync(Guid id, CancellationToken ct) =>
        await ShowAsync(id, await users.RemoveSecondFactorAsync(id, ct), Words.SecondFactorRemoved, ct);

    private async Task<IActionResult> ShowAsync(Guid id, Answer<UserAccount> answer, string? message, CancellationToken ct)
    {
        ModelState.Clear(); // the form shows what is, not what was sent
        if (answer.ValueOrNull is null)
        {
            Failure = answer;
            answer = await users.FindAsync(id, ct);
        }
        else
        {
            Message = message;
        }

        Account = answer;
        return Account.ErrorPage() ?? Page();
    }
}
