namespace HpcBilling.Architecture.Tests;

/// <summary>The table of controls is true: what it says is proved is proved, and what is proved is in it.</summary>
public sealed class ControlTests
{
    private const string Rows = """
        | id | control | implemented in | proved by |
        | --- | --- | --- | --- |
        | WEB-10 | Parameters | `cli/Program.cs` | `SqlTextTests` |
        """;

    private static readonly ProvedControl Proof = new("WEB-10", "SqlTextTests");

    [Fact]
    public void Table_of_controls_and_tests_agree() => Guard.FindsNothing(Controls.Disagreements(
        Repository.File("docs/security/controls.md").Text,
        [.. Repository.CSharp.Where(file => file.IsTest).SelectMany(file => Controls.ProvedIn(file.Text))],
        path => Path.Exists(Repository.File(path).FullPath)));

    [Fact]
    public void A_true_row_passes() => Assert.Empty(Controls.Disagreements(Rows, [Proof], _ => true));

    [Fact]
    public void A_row_whose_test_does_not_exist_is_found() =>
        Assert.Contains("WEB-10: SqlTextTests carries no such trait", Controls.Disagreements(Rows, [], _ => true));

    [Fact]
    public void A_row_whose_implementation_does_not_exist_is_found() =>
        Assert.Contains("WEB-10: cli/Program.cs does not exist", Controls.Disagreements(Rows, [Proof], _ => false));

    [Fact]
    public void A_row_that_names_no_test_is_found() =>
        Assert.NotEmpty(Controls.Disagreements("| WEB-10 | Parameters | `cli/Program.cs` | somebody checked |", [Proof], _ => true));

    [Fact]
    public void A_proof_without_a_row_is_found() =>
        Assert.Equal(["PAY-03 is proved by WebhookTests and has no row"], Controls.Disagreements(Rows, [Proof, new("PAY-03", "WebhookTests")], _ => true));

    [Fact]
    public void Traits_of_classes_and_of_methods_count() => Assert.Equal(
        [new ProvedControl("AUTH-01", "A"), new ProvedControl("AUTH-02", "A")],
        Controls.ProvedIn("""
            [Trait("Control", "AUTH-01")]
            class A { [Fact, Trait("Control", "AUTH-02")] void B() { } [Trait("Speed", "slow")] void C() { } }
            """));
}
