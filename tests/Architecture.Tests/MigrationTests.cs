using System.Text.RegularExpressions;

namespace HpcBilling.Architecture.Tests;

/// <summary>Tenancy in the database itself: every table has the org and a policy that hides the others.</summary>
[Trait("Control", "AUTHZ-05")]
public sealed class MigrationTests
{
    [Fact]
    public void Every_table_belongs_to_an_org_behind_row_level_security() => Guard.FindsNothing(Repository.Files
        .Where(file => Regex.IsMatch(file.Path, @"(^|/)Database/[^/]+\.sql$"))
        .GroupBy(file => Path.GetDirectoryName(file.Path)!)
        .SelectMany(database => Open(database.Key, string.Join('\n', database.Select(file => file.Text)))));

    [Theory]
    [InlineData("", "has no org_id")]
    [InlineData("org_id uuid NOT NULL", "row level security is not enabled")]
    public void A_table_open_to_all_orgs_is_found(string column, string expected) =>
        Assert.Contains(Open("x", $"CREATE TABLE runs (id uuid, {column});"), found => found.EndsWith(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("ENABLE")]
    [InlineData("FORCE")]
    [InlineData("POLICY")]
    public void A_missing_part_of_the_protection_is_found(string missing)
    {
        string[] parts =
        [
            "CREATE TABLE runs (id uuid, org_id uuid NOT NULL);",
            "ALTER TABLE runs ENABLE ROW LEVEL SECURITY;",
            "ALTER TABLE runs FORCE ROW LEVEL SECURITY;",
            "CREATE POLICY tenant ON runs USING (org_id = current_org());",
        ];
        Assert.Empty(Open("x", string.Join('\n', parts)));
        Assert.NotEmpty(Open("x", string.Join('\n', parts.Where(part => !part.Contains(missing, StringComparison.Ordinal)))));
    }

    [Fact]
    public void A_loop_over_tables_counts_for_the_tables_it_names()
    {
        const string Sql = """
            CREATE TABLE runs (id uuid, org_id uuid NOT NULL);
            CREATE TABLE receipts (id uuid, org_id uuid NOT NULL);
            DO $$
            DECLARE name text;
            BEGIN
                FOREACH name IN ARRAY ARRAY['runs'] LOOP
                    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
                    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
                    EXECUTE format('CREATE POLICY tenant ON %I USING (org_id = current_org())', name);
                END LOOP;
            END $$;
            """;
        string[] found = [.. Open("x", Sql)];
        Assert.All(found, violation => Assert.Contains("receipts", violation, StringComparison.Ordinal));
        Assert.NotEmpty(found);
    }

    [Fact]
    public void A_policy_that_lets_everything_through_is_found() => Assert.NotEmpty(Open("x", """
        CREATE TABLE runs (id uuid, org_id uuid NOT NULL);
        ALTER TABLE runs ENABLE ROW LEVEL SECURITY;
        ALTER TABLE runs FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenant ON runs USING (true);
        """));

    private static IEnumerable<string> Open(string place, string sql)
    {
        sql = Unrolled(Regex.Replace(sql, "--[^\n]*", ""));
        foreach (Match table in Regex.Matches(sql, @"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF NOT EXISTS\s+)?(?<name>\w+)(?<rest>[^;]*);", RegexOptions.IgnoreCase))
        {
            string name = table.Groups["name"].Value;
            string rest = table.Groups["rest"].Value;
            // A partition has its parent's columns; it is reached through the parent and its policy.
            if (Regex.IsMatch(rest, @"^\s+PARTITION\s+OF\b", RegexOptions.IgnoreCase)) continue;
            if (!Regex.IsMatch(rest, @"\borg_id\s+uuid\s+NOT\s+NULL\b|\borg_id\s+uuid\s+PRIMARY\s+KEY\b", RegexOptions.IgnoreCase)) yield return $"{place}: {name} has no org_id";
            if (!Has(sql, $@"ALTER\s+TABLE\s+{name}\s+ENABLE\s+ROW\s+LEVEL\s+SECURITY")) yield return $"{place}: {name}: row level security is not enabled";
            if (!Has(sql, $@"ALTER\s+TABLE\s+{name}\s+FORCE\s+ROW\s+LEVEL\s+SECURITY")) yield return $"{place}: {name}: row level security is not forced on the owner";
            if (!Has(sql, $@"CREATE\s+POLICY\s+\w+\s+ON\s+{name}\b[^;]*current_org\(\)")) yield return $"{place}: {name} has no policy for the org";
        }
    }

    /// <summary>A loop that formats statements for a list of tables, written out.</summary>
    private static string Unrolled(string sql) => Regex.Replace(sql, @"\bDO\s+\$\$(?<body>.*?)\$\$\s*;", block =>
    {
        string body = block.Groups["body"].Value;
        IEnumerable<string> tables = Regex.Matches(Regex.Match(body, @"ARRAY\s*\[[^\]]*\]").Value, @"'(\w+)'").Select(table => table.Groups[1].Value);
        string[] statements = [.. Regex.Matches(body, @"format\('([^']*%I[^']*)'").Select(statement => statement.Groups[1].Value)];
        return string.Join('\n', from table in tables from statement in statements select statement.Replace("%I", table, StringComparison.Ordinal) + ";");
    }, RegexOptions.Singleline);

    private static bool Has(string sql, string pattern) => Regex.IsMatch(sql, pattern, RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture);
}
