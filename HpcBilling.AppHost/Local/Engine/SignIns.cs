using System.Text.Json;
using HpcBilling.AppHost.Local.State;

namespace HpcBilling.AppHost.Local.Engine;

/// <summary>Who can sign in after the first start, and the CLI's profile: files of mode 0600 for people and tests.</summary>
internal sealed record SignIns(string Url, string AuthorityFile, IReadOnlyList<SignIn> People, string File, string? CliProfileFile)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<SignIns> CreateAsync(Model model, EngineContext context)
    {
        var gateway = model.Resources.OfType<ProjectResource>().FirstOrDefault(project => project.Name == WellKnown.Gateway);
        var url = gateway is null ? "" : new EndpointReference(gateway, "https").Url;
        var people = new List<SignIn>();
        if (await ParameterAsync(model, WellKnown.AdminPassword) is { } adminPassword)
            people.Add(new SignIn(WellKnown.AdminUser, adminPassword));
        foreach (var parameter in model.Resources.OfType<ParameterResource>().Where(parameter => parameter.Name.StartsWith(WellKnown.OrgAdminPassword, StringComparison.Ordinal)))
            people.Add(new SignIn($"{WellKnown.AdminUser}@{parameter.Name[WellKnown.OrgAdminPassword.Length..]}", await parameter.GetValueAsync() ?? ""));
        if (await ParameterAsync(model, WellKnown.DemoPassword) is { } demoPassword)
            people.AddRange(WellKnown.DemoUsers.Select(user => new SignIn(user, demoPassword)));

        var file = context.State.File("sign-ins.json");
        PrivateFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(people, Format));
        var profile = await WriteCliProfileAsync(model, context, url);
        return new SignIns(url, context.Tls.AuthorityFile, people, file, profile);
    }

    private static async Task<string?> WriteCliProfileAsync(Model model, EngineContext context, string url)
    {
        var file = context.State.File("cli.json");
        System.IO.File.Delete(file);
        if (await ParameterAsync(model, WellKnown.DemoToken) is not { } token)
            return null;
        PrivateFile.Write(file, JsonSerializer.SerializeToUtf8Bytes(new { url, token, caFile = context.Tls.AuthorityFile }, Format));
        return file;
    }

    private static async Task<string?> ParameterAsync(Model model, string name) =>
        model.Resources.OfType<ParameterResource>().FirstOrDefault(parameter => parameter.Name == name) is { } parameter
            ? await parameter.GetValueAsync()
            : null;
}

internal sealed record SignIn(string User, string Password);
