namespace HpcBilling.Architecture.Tests;

[Trait("Control", "WEB-10")]
public sealed class SqlTextTests
{
    [Fact]
    public void No_SQL_statement_is_put_together_from_values() => Guard.FindsNothing(Repository.CSharp
        .Where(file => !file.IsTest)
        .SelectMany(file => SqlText.PutTogether(file.Path, file.Text)));

    [Theory]
    [InlineData("""var sql = $"SELECT id FROM receipts WHERE username = '{user}'";""")]
    [InlineData(""""var sql = $"""DELETE FROM receipts WHERE id = {id}""";"""")]
    [InlineData("""var sql = "SELECT id FROM receipts WHERE username = '" + user + "'";""")]
    [InlineData("""var sql = "UPDATE receipts SET status = 'paid' WHERE id = " + id;""")]
    [InlineData("""var sql = string.Format("SELECT id FROM {0}", table);""")]
    [InlineData("""var sql = string.Concat("SELECT id FROM receipts ORDER BY ", column);""")]
    [InlineData("""var sql = "SELECT id FROM t WHERE @Filter".Replace("@Filter", filter);""")]
    [InlineData("""sql += $" ORDER BY {column}";""")]
    [InlineData("""var sql = $"CREATE DATABASE {name}";""")]
    [InlineData("""var sql = $"DELETE FROM {Quote(name)}";""")]
    [InlineData("""builder.Append(" WHERE username = ").Append(user);""")]
    public void A_statement_put_together_from_values_is_found(string statement) => Assert.NotEmpty(SqlText.PutTogether("x.cs", InMethod(statement)));

    [Theory]
    [InlineData("""const string Columns = "id, total"; const string Sql = $"SELECT {Columns} FROM receipts";""")]
    [InlineData("""const string Sql = "SELECT id " + "FROM receipts WHERE id = @Id";""")]
    [InlineData("""var sql = "SELECT id FROM receipts WHERE id = @Id";""")]
    [InlineData("""var sql = $"CREATE DATABASE {Quote(name)}";""")]
    [InlineData("""var text = $"Select a receipt from the list, {name}";""")]
    public void Constants_and_parameters_pass(string statement) => Assert.Empty(SqlText.PutTogether("x.cs", InMethod(statement)));

    private static string InMethod(string statement) => $$"""class X { void Y() { {{statement}} } }""";
}
