using HpcBilling.Identity.Domain;

namespace HpcBilling.Domain.Tests.Identity;

public sealed class AccountRulesTests
{
    [Theory]
    [InlineData("alice", "alice", "default")]
    [InlineData("  alice ", "alice", "default")]
    [InlineData("J_Doe-1.x", "J_Doe-1.x", "default")]
    [InlineData("alice@physics", "alice", "physics")]
    public void A_name_may_say_its_org(string typed, string username, string slug) =>
        Assert.Equal(new SignInName(username, slug), SignInName.Parse(typed));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-alice")]
    [InlineData(".alice")]
    [InlineData("al ice")]
    [InlineData("alice\nx")]
    [InlineData("<script>")]
    [InlineData("@physics")]
    [InlineData("a2345678901234567890123456789012345678901234567890123456789012345")]
    public void What_cannot_be_a_unix_name_is_none(string? typed) => Assert.Null(SignInName.Parse(typed));

    [Fact]
    public void A_username_ends_where_its_text_ends() => Assert.False(SignInName.IsUsername("alice\n"));

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public void A_users_token_is_not_for_the_admin_and_audit_services()
    {
        Assert.DoesNotContain("admin", Scopes.AudienceOf(Role.User));
        Assert.DoesNotContain("audit", Scopes.AudienceOf(Role.User));
        Assert.Equal(["admin", "audit"], Scopes.AudienceOf(Role.Admin).Except(Scopes.AudienceOf(Role.User)));
    }

    [Fact]
    [Trait("Control", "AUTHZ-02")]
    public void A_token_has_no_scope_that_its_role_lacks_and_none_that_was_not_asked_for()
    {
        Assert.Equal(["usage.read"], Scopes.Granted(Role.User, ["usage.read", "users.write", "no.such"]));
        Assert.Equal(["usage.read", "users.write"], Scopes.Granted(Role.Admin, ["users.write", "usage.read", "no.such"]).Order());
    }
}
