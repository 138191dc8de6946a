using Npgsql;

namespace HpcBilling.ServiceDefaults.Data;

/// <summary>The service's own database; every statement runs in a transaction that says for whom.</summary>
public sealed class Database(NpgsqlDataSource source, ServiceIdentity service, TimeProvider clock)
{
    /// <summary>A transaction that sees the rows of one org.</summary>
    public async Task<OrgTransaction> BeginAsync(Guid orgId, CancellationToken cancellation)
    {
        OrgTransaction transaction = await OrgTransaction.BeginAsync(source, service, clock, cancellation);
        return await ReadyAsync(transaction, transaction.EnterOrgAsync(orgId, cancellation));
    }

    /// <summary>A background worker's transaction: it sees every org in the tables whose policy allows workers, and no others.</summary>
    public async Task<OrgTransaction> BeginWorkerAsync(CancellationToken cancellation)
    {
        OrgTransaction transaction = await OrgTransaction.BeginAsync(source, service, clock, cancellation);
        return await ReadyAsync(transaction, transaction.EnterWorkerAsync(cancellation));
    }

    /// <summary>A transaction that sees nothing but the row with this id, whosever it is, in the tables whose policy allows the question.</summary>
    internal async Task<OrgTransaction> BeginAskingAsync(Guid id, CancellationToken cancellation)
    {
        OrgTransaction transaction = await OrgTransaction.BeginAsync(source, service, clock, cancellation);
        return await ReadyAsync(transaction, transaction.AskForAsync(id, cancellation));
    }

    private static async Task<OrgTransaction> ReadyAsync(OrgTransaction transaction, Task preparation)
    {
        try
        {
            await preparation;
            return transaction;
        }
        catch
        {
            await transaction.DisposeAsync();
            throw;
        }
    }
}
