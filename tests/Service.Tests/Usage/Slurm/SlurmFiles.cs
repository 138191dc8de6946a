using System.Security.Cryptography;
using HpcBilling.Service.Tests.Infrastructure;

namespace HpcBilling.Service.Tests.Usage.Slurm;

/// <summary>Files and ports of a <see cref="SlurmCluster"/>.</summary>
internal sealed class SlurmFiles(string folder)
{
    public static readonly string[] Nodes = ["node01", "node02"];

    private const int Gpus = 4;

    private readonly int ctldPort = Servers.FreePort();
    private readonly int dbdPort = Servers.FreePort();
    private readonly int[] nodePorts = [.. Nodes.Select(_ => Servers.FreePort())];

    public string Folder => folder;

    public int RestPort { get; } = Servers.FreePort();

    public int MariaPort { get; } = Servers.FreePort();

    public string SlurmConf => folder + "/etc/slurm.conf";

    public string DbdConf => folder + "/etc/slurmdbd.conf";

    public string JwtKey => folder + "/etc/jwt.key";

    public string Token => folder + "/token";

    public string MungeFolder => folder + "/munge";

    public string MungeKey => folder + "/munge/key";

    public string MungeSocket => folder + "/munge/socket";

    public string MariaFolder => folder + "/maria";

    public string MariaSocket => folder + "/maria/socket";

    public string StateFolder => folder + "/state";

    public async Task WriteAsync()
    {
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        foreach (string part in new[] { "etc", "munge", "maria", "state", "nodes", "dev" }) Directory.CreateDirectory($"{folder}/{part}");
        await SecretAsync(MungeKey, RandomNumberGenerator.GetBytes(128));
        await SecretAsync(JwtKey, RandomNumberGenerator.GetBytes(32));
        await SecretAsync(DbdConf, System.Text.Encoding.ASCII.GetBytes(OfDbd()));
        // A device for each GPU that is only claimed: the file must be there, and is never opened.
        foreach (int number in Enumerable.Range(0, Gpus)) await File.WriteAllTextAsync($"{folder}/dev/gpu{number}", "");
        await File.WriteAllTextAsync(folder + "/etc/gres.conf", $"Name=gpu Type=a100 File={folder}/dev/gpu[0-1]\nName=gpu Type=v100 File={folder}/dev/gpu[2-3]\n");
        await File.WriteAllTextAsync(folder + "/etc/cgroup.conf", "CgroupPlugin=cgroup/v1\n");
        await File.WriteAllTextAsync(SlurmConf, OfController());
    }

    private static async Task SecretAsync(string path, byte[] bytes)
    {
        await File.WriteAllBytesAsync(path, bytes);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private string OfDbd() => $"""
        DbdHost=localhost
        DbdAddr=127.0.0.1
        DbdPort={dbdPort}
        SlurmUser=slurm
        AuthType=auth/munge
        AuthInfo=socket={MungeSocket}
        AuthAltTypes=auth/jwt
        AuthAltParameters=jwt_key={JwtKey}
        CommunicationParameters=NoInAddrAny
        StorageType=accounting_storage/mysql
        StorageHost=127.0.0.1
        StoragePort={MariaPort}
        StorageUser=slurm
        StoragePass=private
        PidFile={StateFolder}/slurmdbd.pid

        """;

    // No cgroups and no binding of tasks, so that neither systemd nor the hardware that is claimed is needed.
    private string OfController() => $"""
        ClusterName={SlurmCluster.Name}
        SlurmctldHost=localhost(127.0.0.1)
        SlurmctldPort={ctldPort}
        SlurmUser=slurm
        SlurmdUser=root
        CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
        AuthType=auth/munge
        AuthInfo=socket={MungeSocket},cred_expire=5
        AuthAltTypes=auth/jwt
        AuthAltParameters=jwt_key={JwtKey}
        CredType=cred/munge
        StateSaveLocation={StateFolder}
        SlurmdSpoolDir={folder}/nodes/%n
        SlurmctldPidFile={StateFolder}/slurmctld.pid
        SlurmdPidFile={folder}/nodes/%n.pid
        MailProg=/bin/true
        ReturnToService=2
        ProctrackType=proctrack/linuxproc
        TaskPlugin=task/none
        JobAcctGatherType=jobacct_gather/linux
        SlurmdParameters=config_overrides
        SwitchType=switch/none
        MpiDefault=none
        SchedulerType=sched/backfill
        SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
        SelectType=select/cons_tres
        SelectTypeParameters=CR_Core_Memory
        PreemptType=preempt/partition_prio
        PreemptMode=REQUEUE
        GresTypes=gpu
        KillWait=1
        InactiveLimit=0
        DefMemPerCPU=512
        AccountingStorageType=accounting_storage/slurmdbd
        AccountingStorageHost=127.0.0.1
        AccountingStoragePort={dbdPort}
        AccountingStoragePass={MungeSocket}
        AccountingStorageEnforce=associations
        AccountingStorageTRES=gres/gpu,gres/gpu:a100,gres/gpu:v100
        {string.Join('\n', Nodes.Select((node, index) => $"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={nodePorts[index]} CPUs=16 Boards=1 SocketsPerBoard=1 CoresPerSocket=16 ThreadsPerCore=1 RealMemory=64000 Gres=gpu:a100:2,gpu:v100:2 State=UNKNOWN"))}
        PartitionName=cpu Nodes=ALL Default=YES MaxTime=1:00:00 DefaultTime=2 State=UP TRESBillingWeights="CPU=1.0,Mem=0.25G,GRES/gpu=8.0"
        PartitionName=gpu Nodes=ALL MaxTime=1:00:00 DefaultTime=2 State=UP
        PartitionName=urgent Nodes=ALL MaxTime=1:00:00 DefaultTime=2 State=UP PriorityTier=10

        """;
}
