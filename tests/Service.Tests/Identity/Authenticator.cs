using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using HpcBilling.Service.Tests.Gateway;

namespace HpcBilling.Service.Tests.Identity;

/// <summary>An authenticator app, as it is on somebody's phone; it knows what the page showed and nothing else.</summary>
public sealed partial class Authenticator
{
    public const string Page = "/account/second-factor";
    private const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    private Authenticator(string key, string recoveryPage)
    {
        Secret = Decode(key);
        Key = key;
        RecoveryCodes = [.. RecoveryCode.Matches(recoveryPage).Select(match => match.Groups["code"].Value)];
    }

    /// <summary>Base 32, as shown.</summary>
    public string Key { get; }

    public byte[] Secret { get; }

    /// <summary>Those that were shown when it was set up.</summary>
    public IReadOnlyList<string> RecoveryCodes { get; }

    /// <summary>What the phone shows now.</summary>
    public string Code() => CodeOf(Secret, 0);

    /// <summary>What it will show in the next step, which a server takes from a phone whose clock is fast.</summary>
    public string NextCode() => CodeOf(Secret, 1);

    /// <summary>Six digits that are not right at the moment.</summary>
    public string WrongCode() => new[] { "000000", "111111", "222222", "333333" }.First(code => Enumerable.Range(-2, 5).All(step => CodeOf(Secret, step) != code));

    /// <summary>Sets up a second factor for whoever is signed in in that browser.</summary>
    public static async Task<Authenticator> EnrolAsync(Browser browser)
    {
        string key = await BeginAsync(browser);
        using HttpResponseMessage answer = await browser.PostAsync(Page, Page + "?handler=Confirm", ("Code", CodeOf(Decode(key), 0)));
        return new Authenticator(key, await answer.Content.ReadAsStringAsync());
    }

    /// <returns>The key that the page shows.</returns>
    public static async Task<string> BeginAsync(Browser browser)
    {
        using HttpResponseMessage answer = await browser.PostAsync(Page, Page + "?handler=Begin");
        return KeyText.Match(await answer.Content.ReadAsStringAsync()).Groups["key"].Value.Replace(" ", "", StringComparison.Ordinal);
    }

    public static IReadOnlyList<string> CodesOn(string page) => [.. RecoveryCode.Matches(page).Select(match => match.Groups["code"].Value)];

    [SuppressMessage("Security", "CA5350", Justification = "RFC 6238")]
    private static string CodeOf(byte[] secret, int stepsAhead)
    {
        byte[] counter = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, (DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 30) + stepsAhead);
        byte[] hash = HMACSHA1.HashData(secret, counter);
        int value = BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(hash[^1] % 16)) & 0x7fffffff;
        return (value % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }

    private static byte[] Decode(string key)
    {
        string bits = string.Concat(key.Select(letter => Convert.ToString(Base32.IndexOf(letter), 2).PadLeft(5, '0')));
        return [.. Enumerable.Range(0, bits.Length / 8).Select(index => Convert.ToByte(bits.Substring(index * 8, 8), 2))];
    }

    [GeneratedRegex("id=\"secret\">(?<key>[A-Z2-7 ]+)<")]
    private static partial Regex KeyText { get; }

    [GeneratedRegex("<li><code>(?<code>[0-9A-Z-]{19})</code>")]
    private static partial Regex RecoveryCode { get; }
}
