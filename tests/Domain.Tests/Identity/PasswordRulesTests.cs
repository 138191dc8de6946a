using System.Collections.Frozen;
using FsCheck;
using FsCheck.Fluent;
using HpcBilling.Identity.Domain;

namespace HpcBilling.Domain.Tests.Identity;

[Trait("Control", "AUTH-01")]
public sealed class PasswordRulesTests
{
    private static readonly string[] Words = [.. List().Where(line => line.Length > 0 && line[0] != '#')];
    private static readonly PasswordRules Rules = new(Words.ToFrozenSet(StringComparer.Ordinal), "Example HPC Centre");

    [Theory]
    [InlineData("twelve chars")]
    [InlineData("all lower case and no digit at all")]
    [InlineData("correct horse battery staple")]
    [InlineData("seven quiet rivers")]
    [InlineData("long enough for the boss")]
    [InlineData("xT7#qLm92!vR")]
    [InlineData("493028157642")]
    [InlineData("ein Satz mit Ümläuten")]
    [InlineData("สวัสดีครับผมชื่อ")]
    [InlineData("7f3a9c1e5b2d")]
    [InlineData("kwzpfhtmvbgx")]
    public void Length_counts_and_composition_does_not(string password) => Assert.Null(Rules.Refusal(password, "alice"));

    [Theory]
    [InlineData("elevenchars", "at least 12")]
    [InlineData("my name is Alice", "username")]
    [InlineData("my-name-is-@1ic3", "username")]
    [InlineData("a.l.i.c.e. at work", "username")]
    [InlineData("the example-hpc-centre", "name of this site")]
    [InlineData("aaaaaaaaaaaaaa", "sequences")]
    [InlineData("abcdefghijklmnop", "sequences")]
    [InlineData("9876543210987", "sequences")]
    [InlineData("qwertyuiop[]", "sequences")]
    [InlineData("qwerty123456!!", "sequences")]
    [InlineData("1qaz2wsx3edc4rfv", "sequences")]
    [InlineData("mmmmmmNNNNNN000", "sequences")]
    [InlineData("h4ppyh4ppyh4ppy", "repeated")]
    [InlineData("zqv7zqv7zqv7zqv7", "repeated")]
    [InlineData("passwordPassword123", "repeated")]
    [InlineData("Password1234!", "common")]
    [InlineData("P@$$w0rd2026!", "common")]
    [InlineData("p.a.s.s.w.o.r.d.1", "common")]
    [InlineData("!!!Sunshine!!!", "common")]
    [InlineData("Summer2026!!", "common")]
    [InlineData("!QAZ2wsxPassword", "common")]
    [InlineData("iloveyou-4ever?!", null)]
    [InlineData("christopher1", "common")]
    [InlineData("Ju57inBi3b3r", "common")]
    [InlineData("Jennifer19901231", "common")]
    public void What_is_guessed_first_is_refused_with_the_reason(string password, string? reason)
    {
        string? refusal = Rules.Refusal(password, "alice");
        if (reason is null) Assert.Null(refusal);
        else Assert.Contains(reason, refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_has_an_upper_bound() =>
        Assert.Contains("at most", Rules.Refusal(string.Concat(Enumerable.Range(0, 257).Select(number => (char)('a' + (number * number % 26)))), "alice"), StringComparison.Ordinal);

    [Fact]
    public void A_short_name_may_stand_in_a_password() => Assert.Null(Rules.Refusal("job and toil and trouble", "job"));

    [Fact]
    public void The_list_is_long_and_in_lower_case()
    {
        Assert.True(Words.Length > 50_000);
        Assert.All(Words, word => Assert.Equal(word.ToLowerInvariant(), word));
        Assert.Equal(Words.Length, Words.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void No_common_word_passes_however_it_is_dressed_up()
    {
        string[] letters = [.. Words.Where(word => word.All(char.IsAsciiLetterLower))];
        string[] tails = ["1234567890!!", "2026!2026!20", "............", "?9!8?7!6?5!4", "31121999!!!!"];
        Prop.ForAll(
            Gen.Choose(0, letters.Length - 1).Zip(Gen.Choose(0, 4)).Zip(Gen.Choose(0, tails.Length - 1)).ToArbitrary(),
            pick =>
            {
                ((int word, int dress), int tail) = pick;
                return Rules.Refusal(Dressed(letters[word], dress, tails[tail]), "somebody") is not null;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
    }

    [Fact]
    public void Repeating_something_short_makes_it_no_longer() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonEmptyString>(),
        text =>
        {
            string unit = text.Get.Length < PasswordRules.CharactersMin ? text.Get : text.Get[..(PasswordRules.CharactersMin - 1)];
            string repeated = string.Concat(Enumerable.Repeat(unit, (PasswordRules.CharactersMin / unit.Length) + 2));
            return Rules.Refusal(repeated, "somebody") is not null;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_gets_an_answer_and_the_same_one_again() => Prop.ForAll(
        ArbMap.Default.ArbFor<(string Password, string Username)>(),
        typed => Rules.Refusal(typed.Password ?? "", typed.Username ?? "") == Rules.Refusal(typed.Password ?? "", typed.Username ?? "")).QuickCheckThrowOnFailure();

    private static string Dressed(string word, int dress, string tail) => dress switch
    {
        0 => word + tail,
        1 => tail + word.ToUpperInvariant(),
        2 => "!!" + word + tail,
        3 => word.Replace('a', '@').Replace('e', '3').Replace('o', '0') + tail,
        _ => string.Join('-', word.ToCharArray()) + tail,
    };

    private static string[] List()
    {
        using var reader = new StreamReader(typeof(PasswordRulesTests).Assembly.GetManifestResourceStream("common-passwords.txt")!);
        return reader.ReadToEnd().Split('\n');
    }
}
