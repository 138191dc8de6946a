using System.Net;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Pages;

[Collection(nameof(Servers))]
public sealed partial class SourcesPageTests : IClassFixture<PagesSite>
{
    private const string List = "/admin/sources";
    private const string New = List + "/new?kind=slurmrestd";
    private const string Api = "/api/v1/sources";
    private static readonly string OfOwn = $"?cluster=c&source={Uri.EscapeDataString(StandInBackend.Hostile)}";
    private static readonly string Change = List + "/change" + OfOwn;
    private static readonly string Remove = List + "/remove" + OfOwn;

    private static readonly (string, string)[] Rest =
    [
        ("Cluster", " c "), ("Name", "rest"), ("Preference", "2"), ("Enabled", "true"), ("Settings.Url", StandInBackend.Url), ("Settings.TokenFile", "token.jwt"),
        ("Settings.TimeoutSeconds", "60"), ("Settings.AnswerRecordsMax", "1000"), ("Settings.ReadsSteps", "false"),
    ];

    private readonly PagesSite site;

    public SourcesPageTests(PagesSite site)
    {
        this.site = site;
        site.Backend.Forget();
    }

    [Fact]
    public async Task The_list_tells_whose_a_source_is_where_it_points_and_why_it_is_not_used()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        string page = await browser.GetStringAsync(List);
        Assert.Contains("by the operator, in the configuration", page, StringComparison.Ordinal);
        Assert.Contains("<span class=\"badge ok\">in use</span>", page, StringComparison.Ordinal); // sacct, as the polls tell it
        Assert.Contains("<span class=\"badge bad\">not used</span>", page, StringComparison.Ordinal);
        Assert.Contains(StandInBackend.Url, page, StringComparison.Ordinal);
        Assert.Equal((1, 1), (Count(page, "/admin/sources/change?"), Count(page, "/admin/sources/remove?"))); // the operator's has none
        Assert.Contains($"href=\"{List}\"", await browser.GetStringAsync("/admin/clusters"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_form_offers_what_the_operator_allows_and_nothing_else()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        string page = await browser.GetStringAsync(New + "&cluster=hpc2");
        Assert.Equal(
            ["", StandInBackend.Url, "https://127.0.0.1:6820", "http://127.0.0.1:6820"],
            Options().Match(page).Groups["options"].Value.Split("<option ").Skip(1).Select(option => Value().Match(option).Groups["value"].Value));
        Assert.Contains("value=\"hpc2\"", page, StringComparison.Ordinal);
        string folder = await browser.GetStringAsync(List + "/new?kind=directory");
        Assert.Contains("<option value=\"/srv/sacct\">", folder, StringComparison.Ordinal);
        Assert.DoesNotContain("Settings.Url", folder, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_is_allowed_the_page_names_the_setting_that_the_operator_has_to_fill()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        site.Backend.Reach = StandInBackend.Reached.FoldersAlone;
        string kind = await browser.GetStringAsync(New);
        Assert.Contains("<code>Usage:Reach:0:Hosts, Usage:Reach:0:Sockets</code>", kind, StringComparison.Ordinal);
        Assert.DoesNotContain("handler=check", kind, StringComparison.Ordinal);
        Assert.DoesNotContain("<code>Usage:Reach", await browser.GetStringAsync(List), StringComparison.Ordinal);
        site.Backend.Reach = StandInBackend.Reached.Nothing;
        string page = await browser.GetStringAsync(List);
        Assert.Contains("<code>Usage:Reach</code>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("action=\"/admin/sources/new\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_is_added_with_the_settings_of_its_kind()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage rest = await PagesSite.SubmitAsync(browser, New, New, [.. Rest, ("Settings.Path", "/etc")]);
        Assert.Equal((HttpStatusCode.Redirect, List + "?done=added"), (rest.StatusCode, rest.Headers.Location?.OriginalString));
        const string folder = List + "/new?kind=directory";
        using HttpResponseMessage files = await PagesSite.SubmitAsync(browser, folder, folder, ("Cluster", "c"), ("Name", "files"), ("Preference", "3"), ("Settings.Path", "/srv/sacct/a"));
        Assert.Equal(
            [
                $$$"""POST {{{Api}}} {"cluster":"c","name":"rest","kind":"slurmrestd","preference":2,"enabled":true,"settings":{"url":"{{{StandInBackend.Url}}}","tokenFile":"token.jwt","timeoutSeconds":60,"answerRecordsMax":1000,"readsSteps":false}}""",
                $$$"""POST {{{Api}}} {"cluster":"c","name":"files","kind":"directory","preference":3,"enabled":false,"settings":{"path":"/srv/sacct/a"}}""",
            ],
            site.Backend.Written);
        Assert.Contains("The source has been added.", await browser.GetStringAsync(List + "?done=added"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Control", "WEB-09")]
    public async Task Objections_stand_at_their_fields_and_what_was_typed_stays()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, New, New, With("Settings.Url", "https://elsewhere.example"));
        string page = await refused.Content.ReadAsStringAsync();
        Assert.Contains("id=\"Settings_Url-error\">Is not among the hosts that the operator allows.</p>", page, StringComparison.Ordinal);
        Assert.Contains("selected=\"selected\" value=\"https://elsewhere.example\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"rest\"", page, StringComparison.Ordinal);
        using HttpResponseMessage taken = await PagesSite.SubmitAsync(browser, New, New, With("Name", "taken"));
        Assert.Contains("The cluster has a source of that name.", await taken.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using HttpResponseMessage odd = await PagesSite.SubmitAsync(browser, New, New, With("Name", "odd")); // a field that is not on the page
        Assert.Contains("settings.odd: is not known", await odd.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        int asked = site.Backend.Written.Count;
        using HttpResponseMessage number = await PagesSite.SubmitAsync(browser, New, New, With("Preference", "first"));
        Assert.Contains("id=\"Preference-error\"", await number.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(asked, site.Backend.Written.Count);
    }

    [Fact]
    public async Task A_source_is_tried_without_being_saved_and_the_form_stays_as_it_was()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        using HttpResponseMessage works = await PagesSite.SubmitAsync(browser, New, New + "&handler=check", With("Name", "my source"));
        string page = await works.Content.ReadAsStringAsync();
        Assert.Contains("Records or files found: 1,234, in 41 ms.", page, StringComparison.Ordinal);
        Assert.Contains("v0.0.38", page, StringComparison.Ordinal);
        Assert.Contains("value=\"my source\"", page, StringComparison.Ordinal);
        using HttpResponseMessage fails = await PagesSite.SubmitAsync(browser, Change, Change + "&handler=check", With("Name", "down"));
        string failed = await fails.Content.ReadAsStringAsync();
        Assert.Contains("<strong>It does not answer as it should.</strong> " + WebUtility.HtmlEncode(StandInBackend.Hostile), failed, StringComparison.Ordinal);
        Assert.Contains("value=\"down\"", failed, StringComparison.Ordinal);
        using HttpResponseMessage refused = await PagesSite.SubmitAsync(browser, New, New + "&handler=check", With("Settings.Url", "https://elsewhere.example"));
        Assert.Contains("id=\"Settings_Url-error\"", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.All(site.Backend.Written, act => Assert.StartsWith($"POST {Api}/check ", act, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_change_names_its_revision_and_shows_what_is_stored_when_somebody_was_faster()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        string form = await browser.GetStringAsync(Change);
        Assert.Contains($"name=\"Revision\" value=\"{StandInBackend.Revision}\"", form, StringComparison.Ordinal);
        Assert.Contains("selected=\"selected\" value=\"old.jwt\">old.jwt (not allowed)", form, StringComparison.Ordinal);
        using HttpResponseMessage late = await PagesSite.SubmitAsync(browser, Change, Change, [.. With("Name", "mine"), ("Revision", "1")]);
        string shown = await late.Content.ReadAsStringAsync();
        Assert.Contains(WebUtility.HtmlEncode(StandInBackend.Hostile) + " changed this source while you were looking.", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("value=\"mine\"", shown, StringComparison.Ordinal);
        Assert.Contains($"name=\"Revision\" value=\"{StandInBackend.Revision}\"", shown, StringComparison.Ordinal);

        using HttpResponseMessage taken = await PagesSite.SubmitAsync(browser, Change, Change, [.. With("Name", "taken"), ("Revision", "2")]);
        Assert.Contains("The cluster has a source of that name.", await taken.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using HttpResponseMessage saved = await PagesSite.SubmitAsync(browser, Change, Change, [.. With("Cluster", "other"), ("Kind", "sacct"), ("Revision", "2")]);
        Assert.Equal(List + "?done=changed", saved.Headers.Location?.OriginalString);
        Assert.StartsWith($$"""PUT {{Api}}/{{StandInBackend.OwnSource}} {"cluster":"c","name":"rest","kind":"slurmrestd",""", site.Backend.Written.Last(), StringComparison.Ordinal);
        Assert.EndsWith(",\"revision\":2}", site.Backend.Written.Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_is_removed_after_a_question_and_the_operators_is_none_of_the_pages_business()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        Assert.Contains("It is asked no more. What it brought stays.", await browser.GetStringAsync(Remove), StringComparison.Ordinal);
        Assert.Empty(site.Backend.Written);
        using HttpResponseMessage removed = await PagesSite.SubmitAsync(browser, Remove, Remove);
        Assert.Equal(List + "?done=removed", removed.Headers.Location?.OriginalString);
        Assert.Equal($"DELETE {Api}/{StandInBackend.OwnSource} {{}}", Assert.Single(site.Backend.Written));
        foreach (string page in (string[])["change", "remove"])
        {
            using HttpResponseMessage operators = await browser.GetAsync($"{List}/{page}?cluster=c&source=sacct");
            Assert.Equal(HttpStatusCode.NotFound, operators.StatusCode);
        }
    }

    [Fact]
    [Trait("Control", "WEB-01")]
    public async Task A_form_without_its_token_changes_no_source()
    {
        using HttpClient browser = PagesSite.Browser(site.Admin, TestCaller.Admin());
        foreach (string address in (string[])[New, New + "&handler=check", Change, Remove])
        {
            using HttpResponseMessage refused = await browser.PostAsync(address, new FormUrlEncodedContent(Rest.Select(field => KeyValuePair.Create(field.Item1, field.Item2))));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        Assert.Empty(site.Backend.Written);
    }

    private static (string, string)[] With(string name, string value) => [.. Rest.Select(field => field.Item1 == name ? (name, value) : field)];

    private static int Count(string html, string part) => WebUtility.HtmlDecode(html).Split(part).Length - 1;

    [GeneratedRegex("name=\"Settings.Url\">(?<options>.*?)</select>", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Options();

    [GeneratedRegex("value=\"(?<value>[^\"]*)\"", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Value();
}
