#!/usr/bin/env bash
# Starts a Slurm of one node, this machine, with all that it writes below one folder:
#
#     eval "$(tests/slurm/start.sh FOLDER)"    # prints the environment in which sbatch, squeue and so on find it
#     tests/slurm/stop.sh FOLDER
#
# Needs root and slurmctld, slurmd and munged (Debian: slurm-wlm, munge). The folder's path must be short, as the
# paths of sockets are. Where it runs already, only the environment is printed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
PATH=$PATH:/usr/sbin:/sbin
[ "$(id -u)" -eq 0 ] || { echo "error: starting Slurm needs root." >&2; exit 1; }
for program in munged slurmctld slurmd; do
    command -v "$program" > /dev/null || { echo "error: $program is not installed." >&2; exit 1; }
done
mkdir -p "$1"/{state,spool,log}
folder=$(cd "$1" && pwd)
export SLURM_CONF=$folder/slurm.conf

ready() { [ -S "$folder/munge.socket" ] && sinfo --noheader --format=%T 2> "$folder/log/sinfo" | grep -qx 'idle\|mixed\|allocated'; }
environment() { echo "export SLURM_CONF='$SLURM_CONF' PATH='$here:$PATH'"; }

if ready; then environment; exit; fi

# munge, by which Slurm's parts know one another: a key and a socket of its own
[ -f "$folder/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom > "$folder/munge.key")
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --log-file="$folder/log/munged" --seed-file="$folder/munge.seed" 2> "$folder/log/munged.start"

host=$(hostname -s)
port=$((20000 + RANDOM % 10000))
cat > "$SLURM_CONF" << CONF
ClusterName=study
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 10000))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
# Neither cgroups nor accounting: both would need more than this one folder
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd
ReturnToService=2
KillWait=10
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=1024
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=4096 State=UNKNOWN
PartitionName=study Nodes=$host Default=YES MaxTime=60 State=UP
CONF

slurmctld
slurmd
for _ in $(seq 100); do
    if ready; then environment; exit; fi
    sleep 0.2
done
echo "error: Slurm does not become ready:" >&2
tail -n 5 "$folder"/log/* >&2
"$here/stop.sh" "$folder"
exit 1
