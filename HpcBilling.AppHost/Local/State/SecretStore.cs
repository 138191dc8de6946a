using System.Text.Json;

namespace HpcBilling.AppHost.Local.State;

/// <summary>Generated secrets by parameter name: made once, kept in one 0600 file, the same after every restart.</summary>
public sealed class SecretStore
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly SortedDictionary<string, string> _values;

    private SecretStore(string path, SortedDictionary<string, string> values) => (_path, _values) = (path, values);

    /// <summary>Opens the store; a missing file is an empty store.</summary>
    /// <exception cref="JsonException">The file was damaged; new secrets would lock the owner out of his data, so none are made.</exception>
    public static SecretStore Open(string path)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (File.Exists(path))
        {
            foreach (var (name, value) in JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(path)) ?? [])
                values.Add(name, value);
        }

        return new SecretStore(path, values);
    }

    public string GetOrAdd(string name, Func<string> generate)
    {
        lock (_gate)
        {
            if (_values.TryGetValue(name, out var known))
                return known;
            var value = generate();
            _values.Add(name, value);
            PrivateFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(_values, Indented));
            return value;
        }
    }
}
