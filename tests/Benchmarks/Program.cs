using System.Globalization;
using HpcBilling.Benchmarks;

return args switch
{
    ["parse"] => Parsing.Run(),
    ["gateway"] => await GatewayOverhead.RunAsync(),
    ["tokens"] => await Tokens.RunAsync(),
    ["import"] => await Importing.RunAllAsync([100_000, 1_000_000]),
    ["import", .. var sizes] when sizes.All(size => int.TryParse(size, CultureInfo.InvariantCulture, out _)) => await Importing.RunAllAsync([.. sizes.Select(size => int.Parse(size, CultureInfo.InvariantCulture))]),
    ["login"] => await Logins.RunAsync(),
    [Importing.OneWord, var rows, var server] => await Importing.RunOneAsync(int.Parse(rows, CultureInfo.InvariantCulture), server),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("""
        usage: dotnet run -c Release --project tests/Benchmarks -- parse
               dotnet run -c Release --project tests/Benchmarks -- tokens
               dotnet run -c Release --project tests/Benchmarks -- import [ROWS…]
               dotnet run -c Release --project tests/Benchmarks -- gateway
               dotnet run -c Release --project tests/Benchmarks -- login

        import and login start a private PostgreSQL, or use the one whose administrator HPCB_BENCH_POSTGRES names (an Npgsql connection string).
        """);
    return 2;
}
