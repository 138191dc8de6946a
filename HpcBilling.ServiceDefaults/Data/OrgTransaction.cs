using System.Diagnostics;
using System.Text.Json;
using Dapper;
using HpcBilling.Contracts;
using HpcBilling.ServiceDefaults.Auditing;
using Npgsql;

namespace HpcBilling.ServiceDefaults.Data;

/// <summary>One transaction of one org: row-level security sees nothing else. Rolled back unless committed.</summary>
public sealed class OrgTransaction : IAsyncDisposable
{
    private const string SetOrgSql = "SELECT set_config('app.org_id', @Org, true)";
    private const string SetAskedSql = "SELECT set_config('app.asked_id', @Id, true)";
    private const string SetWorkerSql = "SELECT set_config('app.scope', 'worker', true)";

    private const string EnqueueSql = """
        INSERT INTO outbox (message_id, org_id, kind, body, reference, trace_parent)
        VALUES (@MessageId, @OrgId, @Kind, @Body::jsonb, @Reference, @TraceParent)
        """;

    private readonly ServiceIdentity service;
    private readonly TimeProvider clock;
    private bool enqueued;
    private bool isDisposed;

    private OrgTransaction(NpgsqlConnection connection, NpgsqlTransaction transaction, ServiceIdentity service, TimeProvider clock)
    {
        Connection = connection;
        Transaction = transaction;
        this.service = service;
        this.clock = clock;
    }

    public NpgsqlConnection Connection { get; }

    public NpgsqlTransaction Transaction { get; }

    /// <summary>Tenant; <see cref="Guid.Empty"/> in a worker's transaction that has not entered one.</summary>
    public Guid OrgId { get; private set; }

    internal static async Task<OrgTransaction> BeginAsync(
        NpgsqlDataSource source, ServiceIdentity service, TimeProvider clock, CancellationToken cancellation)
    {
        NpgsqlConnection connection = await source.OpenConnectionAsync(cancellation);
        try
        {
            return new OrgTransaction(connection, await connection.BeginTransactionAsync(cancellation), service, clock);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>From here on the transaction acts for this org.</summary>
    public async Task EnterOrgAsync(Guid orgId, CancellationToken cancellation)
    {
        await ExecuteAsync(SetOrgSql, new { Org = orgId.ToString() }, cancellation);
        OrgId = orgId;
    }

    internal Task EnterWorkerAsync(CancellationToken cancellation) => ExecuteAsync(SetWorkerSql, null, cancellation);

    internal Task AskForAsync(Guid id, CancellationToken cancellation) => ExecuteAsync(SetAskedSql, new { Id = id.ToString() }, cancellation);

    /// <returns>Rows affected.</returns>
    public Task<int> ExecuteAsync(string sql, object? parameters, CancellationToken cancellation) =>
        Connection.ExecuteAsync(Command(sql, parameters, cancellation));

    public async Task<IReadOnlyList<T>> QueryAsync<T>(string sql, object? parameters, CancellationToken cancellation) =>
        (await Connection.QueryAsync<T>(Command(sql, parameters, cancellation))).AsList();

    public Task<T?> QuerySingleOrDefaultAsync<T>(string sql, object? parameters, CancellationToken cancellation) =>
        Connection.QuerySingleOrDefaultAsync<T>(Command(sql, parameters, cancellation));

    public Task<T?> ExecuteScalarAsync<T>(string sql, object? parameters, CancellationToken cancellation) =>
        Connection.ExecuteScalarAsync<T>(Command(sql, parameters, cancellation));

    /// <summary>Says a message after the commit, at least once.</summary>
    public Task EnqueueAsync<T>(T message, CancellationToken cancellation)
        where T : class => EnqueueAsync(typeof(T).Name, JsonSerializer.Serialize(message, JsonSerializerOptions.Web), null, cancellation);

    /// <summary>Says a message after the commit whose body an <c>IMessageSource</c> reads from the tables when it is published.</summary>
    /// <param name="reference">What the source needs to find the rows.</param>
    /// <param name="cancellation">Cancels the statement.</param>
    public Task EnqueueReferenceAsync<T>(string reference, CancellationToken cancellation)
        where T : class => EnqueueAsync(typeof(T).Name, null, reference, cancellation);

    /// <summary>Records an act; the entry exists if and only if the transaction commits.</summary>
    public Task AuditAsync(AuditAct act, CancellationToken cancellation) => EnqueueAsync(
        new AuditRecorded(
            OrgId, Guid.CreateVersion7(clock.GetUtcNow()), Microseconds.Truncate(clock.GetUtcNow()), service.Name, act.Actor, act.Action, act.Subject,
            act.Details ?? new Dictionary<string, string>(StringComparer.Ordinal), act.IpAddress),
        cancellation);

    public async Task CommitAsync(CancellationToken cancellation)
    {
        // Delivered by PostgreSQL at the commit, and only then.
        if (enqueued) await ExecuteAsync("NOTIFY outbox", null, cancellation);
        await Transaction.CommitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        // Npgsql uses a connection's transaction object again for whoever has the connection next: a second time would roll back his.
        if (isDisposed) return;
        isDisposed = true;
        await Transaction.DisposeAsync();
        await Connection.DisposeAsync();
    }

    private async Task EnqueueAsync(string kind, string? body, string? reference, CancellationToken cancellation)
    {
        if (OrgId == Guid.Empty) throw new InvalidOperationException("A message belongs to an org: call EnterOrgAsync first.");
        // PostgreSQL's jsonb knows no NUL, and nobody's hostile name may undo the act it is part of.
        body = body?.Replace("\\u0000", "\\uFFFD", StringComparison.Ordinal);
        var row = new { MessageId = Guid.CreateVersion7(clock.GetUtcNow()), OrgId, Kind = kind, Body = body, Reference = reference, TraceParent = Activity.Current?.Id };
        await ExecuteAsync(EnqueueSql, row, cancellation);
        enqueued = true;
    }

    private CommandDefinition Command(string sql, object? parameters, CancellationToken cancellation) =>
        new(sql, parameters, Transaction, cancellationToken: cancellation);
}
