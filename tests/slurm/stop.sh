#!/usr/bin/env bash
# Ends the Slurm that start.sh has started below a folder, its jobs first.
set -uo pipefail
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
folder=$(cd "$1" && pwd) || exit 2
export SLURM_CONF=$folder/slurm.conf
timeout 5 scancel --full --signal=KILL --user=root 2> /dev/null
for daemon in slurmd slurmctld munged; do
    [ -f "$folder/$daemon.pid" ] || continue
    pid=$(cat "$folder/$daemon.pid")
    kill "$pid" 2> /dev/null
    for _ in $(seq 50); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2> /dev/null
done
exit 0
