#!/bin/bash
# slurm_test.sh SEQBENCH: the script that `run --slurm` writes, on a Slurm of one node that this starts and stops. As root, with
# Debian's slurm-wlm and munge; skipped (77) where they are not.
set -u
seqbench=$(realpath "$1")
for program in slurmctld slurmd sbatch squeue munged; do
  command -v "$program" >/dev/null || { echo "SKIPPED: no $program; apt-get install slurm-wlm munge"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo "SKIPPED: needs root, to start Slurm"; exit 77; }
work=$(mktemp -d)
chmod 755 "$work"
host=$(hostname -s)
mkdir -p "$work/state" "$work/spool" "$work/munge"
chown munge "$work/munge"
chmod 711 "$work/munge"
cat >"$work/slurm.conf" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF=$work/slurm.conf
stop() {
  for pid in "$work"/*.pid "$work"/munge/pid; do [ -f "$pid" ] && kill "$(cat "$pid")"; done 2>/dev/null
  sleep 1
  rm -rf "$work"
}
trap stop EXIT
fail() {
  echo "FAILED: $1"
  sinfo; squeue; tail -5 "$work"/*.log "$work"/seqbench-* 2>/dev/null
  exit 1
}
[ -f /etc/munge/munge.key ] || { echo "SKIPPED: no /etc/munge/munge.key"; exit 77; }
runuser -u munge -- munged --socket "$work/munge/socket" --pid-file "$work/munge/pid" --log-file "$work/munge/log" \
  --seed-file "$work/munge/seed" || fail "munged does not start"
slurmctld -L "$work/slurmctld.log" || fail "slurmctld does not start"
slurmd -L "$work/slurmd.log" -N "$host" || fail "slurmd does not start"
for _ in $(seq 30); do sinfo -h -o %t | grep -q idle && break; sleep 1; done
sinfo -h -o %t | grep -q idle || fail "the node is not idle after 30 s"

cd "$work" || exit 1
cat >small.json <<'END'
{
  "task": { "name": "mqar", "vocab_size": 32, "length": 16, "pairs": 2 },
  "model": { "layers": 1, "width": 8, "mixer": "softmax" },
  "train": { "steps": 20, "batch": 8, "valid_examples": 16 },
  "eval": { "examples": 16 },
  "measure": { "speed": false },
  "grid": { "seed": [0, 1, 2, 3] }
}
END
wait_for_queue() {
  for _ in $(seq 60); do [ -z "$(squeue -h)" ] && return; sleep 1; done
  fail "the array has not ended after 60 s"
}
"$seqbench" run small.json --threads 1 --slurm "a job.sh" || fail "no script was written"
sbatch "a job.sh" || fail "sbatch refuses the script"
wait_for_queue
[ "$(find runs -name result.json | wc -l)" -eq 4 ] || fail "4 results were expected, $(find runs -name result.json | wc -l) are there"
"$seqbench" run small.json --quiet >out 2>err || fail "the table of the finished array fails"
grep -q '^softmax' out || fail "the finished array has no table"

# What is finished already gets no task, and what is left gets one each.
rest="small.json --set name=rest --threads 1"
"$seqbench" run $rest --shard 1/2 --quiet >out 2>err || fail "half of a grid fails"
"$seqbench" run $rest --slurm rest.sh >out || fail "no script was written for what is left"
grep -q 'starts 2 tasks' out || fail "2 of 4 runs are left, and the script says: $(cat out)"
id=$(sbatch --parsable rest.sh) || fail "the array of what is left is refused"
wait_for_queue
[ "$(find . -name "seqbench-${id}_*.out" | wc -l)" -eq 2 ] || fail "2 tasks were expected"
[ "$(find runs/rest -name result.json | wc -l)" -eq 4 ] || fail "the tasks of what is left have not finished the grid"

# Cancelled while it runs, and submitted again: it goes on.
long="small.json --set train.steps=20000 --set name=long --threads 1"
"$seqbench" run $long --slurm long.sh && sbatch long.sh || fail "the second array is refused"
for _ in $(seq 30); do [ -n "$(find runs/long -name curve.jsonl -size +0 2>/dev/null)" ] && break; sleep 1; done
scancel -u root
wait_for_queue
kept=$(find runs/long -name checkpoint.safetensors | wc -l)
[ "$kept" -ge 1 ] || fail "scancel has left no checkpoint"
sbatch long.sh || fail "the second array cannot be submitted again"
for _ in $(seq 3); do wait_for_queue; done
[ "$(find runs/long -name result.json | wc -l)" -eq 4 ] || fail "the array that was cancelled did not end the second time"

# Told that its limit is near, a task keeps its state, goes back into the queue, and ends another time.
near="small.json --set train.steps=60000 --set name=near --set grid.seed=[0] --threads 1"
"$seqbench" run $near --time-limit 2h --slurm near.sh && id=$(sbatch --parsable near.sh) || fail "the third array is refused"
for _ in $(seq 30); do [ -n "$(find runs/near -name curve.jsonl -size +0 2>/dev/null)" ] && break; sleep 1; done
scancel --batch --signal=USR1 "${id}_1"
for _ in $(seq 30); do [ -n "$(find runs/near -name checkpoint.safetensors)" ] && break; sleep 1; done
[ -n "$(find runs/near -name checkpoint.safetensors)" ] || fail "the signal before the limit has left no checkpoint"
# Slurm holds what comes back for two minutes or so.
for _ in $(seq 30); do squeue -h -o "%T %r" | grep -q PENDING && break; sleep 1; done
squeue -h -o %T | grep -q PENDING || fail "the task that was told of its limit is not in the queue again"
scontrol show job "${id}_1" | grep -q "Restarts=1" || fail "the task was not put back into the queue"
for _ in $(seq 4); do [ -n "$(squeue -h)" ] || break; for _ in $(seq 60); do [ -z "$(squeue -h)" ] && break; sleep 1; done; done
[ "$(find runs/near -name result.json | wc -l)" -eq 1 ] || fail "the task that was put back has not ended"
echo "all as expected: 4 tasks ran; $kept cancelled ones went on; one came back before its limit"
