using System.Data;
using Dapper;

namespace HpcBilling.ServiceDefaults.Data;

/// <summary>timestamptz ↔ <see cref="DateTimeOffset"/> in UTC; Npgsql refuses any other offset.</summary>
internal sealed class InstantHandler : SqlMapper.TypeHandler<DateTimeOffset>
{
    public override void SetValue(IDbDataParameter parameter, DateTimeOffset value) => parameter.Value = value.ToUniversalTime();

    public override DateTimeOffset Parse(object value) => value switch
    {
        DateTime instant => new DateTimeOffset(DateTime.SpecifyKind(instant, DateTimeKind.Utc)),
        DateTimeOffset instant => instant,
        _ => throw new InvalidCastException($"{value.GetType()} is not an instant"),
    };
}
