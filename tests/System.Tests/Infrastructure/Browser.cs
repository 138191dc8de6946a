using System.Diagnostics;
using Microsoft.Playwright;

namespace HpcBilling.System.Tests.Infrastructure;

/// <summary>Debian's Chromium without a screen, trusting the development authority through a certificate store of its own.</summary>
public sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Quiet =
    [
        "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly List<string> complaints = [];
    private IPlaywright playwright = null!;
    private IBrowser chromium = null!;

    public IPage Page { get; private set; } = null!;

    /// <summary>What the browser complained of: scripts, styles, policy violations, failed requests.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    public static async Task<Browser> StartAsync(Platform platform)
    {
        string home = Directory.CreateDirectory(Path.Combine(platform.Folder, "browser-" + Guid.CreateVersion7())).FullName;
        string store = Directory.CreateDirectory(Path.Combine(home, ".pki", "nssdb")).FullName;
        await RunAsync("certutil", "-N", "-d", "sql:" + store, "--empty-password");
        await RunAsync("certutil", "-A", "-d", "sql:" + store, "-n", "development", "-t", "C,,", "-i", platform.AuthorityFile);

        var browser = new Browser { playwright = await Playwright.CreateAsync() };
        browser.chromium = await browser.playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = Environment.UserName == "root" ? [.. Quiet, "--no-sandbox"] : Quiet,
            Env = new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = home },
        });
        browser.Page = await browser.chromium.NewPageAsync(new BrowserNewPageOptions
        {
            BaseURL = platform.Url.ToString(),
            ViewportSize = new ViewportSize { Width = 1280, Height = 860 },
        });
        browser.Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") browser.complaints.Add($"{browser.Page.Url}: {message.Text}");
        };
        browser.Page.PageError += (_, error) => browser.complaints.Add($"{browser.Page.Url}: {error}");
        return browser;
    }

    public async Task SignInAsync(string username, string password)
    {
        await Page.GotoAsync("/login");
        await Page.Locator("input[name$=sername]").FillAsync(username);
        await Page.Locator("input[type=password]").FillAsync(password);
        await Page.Locator("form:has(input[type=password]) button[type=submit]").ClickAsync();
    }

    /// <summary>Keeps a picture of the page, when <c>HPCBILLING_SCREENSHOTS</c> names a folder for them.</summary>
    public async Task PictureAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("HPCBILLING_SCREENSHOTS") is { Length: > 0 } folder)
            await Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png") });
    }

    public async ValueTask DisposeAsync()
    {
        await chromium.DisposeAsync();
        playwright.Dispose();
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program}: {errors}");
    }
}
