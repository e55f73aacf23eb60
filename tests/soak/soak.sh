#!/bin/sh
# soak.sh SEQBENCH SHIM SOURCE [KILLS [SEED]]: kills a small grid at least KILLS times (60), and fills its disk at an eighth as many
# moments. However that goes, running it again must give bit for bit what it gives undisturbed, repeat no finished run and leave
# no stray file.
set -u
seqbench=$(realpath "$1")
shim=$(realpath "$2")
source=$(realpath "$3")
kills=${4:-60}
seed=${5:-$(date +%s)}
. "$source/tests/traces.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export ASAN_OPTIONS=verify_asan_link_order=0
failures=0
died=0        # lives that ended by SIGKILL
terminated=0  # by SIGTERM
full=0        # with a disk that was full
echo "seed $seed"

cat >grid.json <<'END2'
{
  "task": { "name": "mqar", "vocab_size": 32, "length": 16, "pairs": 2 },
  "model": { "layers": 1, "width": 8, "mixer": "softmax" },
  "train": { "steps": 6, "batch": 4, "lanes": 2, "valid_every": 2, "checkpoint_seconds": 0 },
  "eval": { "examples": 16 },
  "measure": { "speed": false, "contexts": [16] },
  "grid": { "model.mixer": ["softmax", "min_gru", { "name": "linear", "heads": 2 }] }
}
END2

complain() {
  echo "FAILED: $1"
  sed 's/^/    /' log
  failures=$((failures + 1))
}

# life DIR ARGUMENTS...: one try at the grid. With $fault and $at set, that befalls it.
life() {
  dir=$1
  shift
  lives=$((lives + 1))
  # Threads and runs side by side change from life to life.
  LD_PRELOAD=$shim FAULT=${fault-} FAULT_AT=${at-0} FAULT_UNDER=$work/$dir FAULT_COUNT=$work/count \
    "$seqbench" run grid.json "$@" --out "$dir" --threads $((lives % 3 + 1)) --jobs $((lives % 2 + 1)) >out 2>log
  status=$?
  case $status in
    137) died=$((died + 1)) ;;
    130) terminated=$((terminated + 1)) ;;
    99) complain "$what: $(grep fault: log)" ;;
  esac
  remember "$dir"
}
lives=0

# remember DIR: of the finished runs, that they are not to be run again.
remember() {
  find "$1" -name result.json -exec grep -L '"status": "failed"' {} + 2>find.err | xargs -r cksum | sort >finished.now
  [ -z "$(comm -23 finished finished.now)" ] || complain "$what: a finished run was run again"
  mv finished.now finished
}

# begin WHAT: a new folder.
begin() {
  what=$1
  rm -rf soaked
  : >finished
}

# settled REFERENCE ARGUMENTS...: the grid is run to its end, and all is as it should be.
settled() {
  reference=$1
  shift
  fault='' at=0
  life soaked "$@"
  [ "$status" -eq 0 ] || complain "$what: run again, it ends with $status"
  traces soaked >traces 2>&1
  cmp -s traces "$reference" || complain "$what: other results than undisturbed: $(diff traces "$reference" | head -5)"
  find soaked ! -type d | grep -v -e '/curve.jsonl$' -e '/model.safetensors$' -e '/best.safetensors$' -e '/result.json$' >stray
  [ ! -s stray ] || complain "$what: left $(cat stray)"
}

# no_part: a process that ended by itself leaves nothing half written.
no_part() {
  find soaked -name '*.part' >stray 2>find.err
  [ ! -s stray ] || complain "$what: left $(cat stray)"
}

# numbers COUNT END: random numbers from 1 to END, a line each.
numbers() {
  seed=$((seed + 1))
  awk -v n="$1" -v end="$2" -v seed="$seed" 'BEGIN { srand(seed); while (n-- > 0) print int(rand() * end) + 1 }'
}

# kill_later SIGNAL END ARGUMENTS...: the grid, sent a signal within END milliseconds.
kill_later() {
  signal=$1
  delay=$(numbers 1 "$2")
  shift 2
  fault='' at=0
  "$seqbench" run grid.json "$@" --out soaked --threads $((lives % 3 + 1)) --jobs $((lives % 2 + 1)) >out 2>log &
  process=$!
  lives=$((lives + 1))
  sleep "$(awk -v ms="$delay" 'BEGIN { print ms / 1000 }')"
  kill -"$signal" $process 2>find.err
  wait $process 2>find.err
  status=$?
  case $status in
    137) died=$((died + 1)) ;;
    130 | 143) terminated=$((terminated + 1)) ;;
    0) ;;
    *) complain "$what: ends with $status" ;;
  esac
  remember soaked
}

begin undisturbed
life soaked
[ "$status" -eq 0 ] || complain "undisturbed: ends with $status"
calls=$(cat count)
traces soaked >reference
[ "$(grep -c '"accuracy":' reference)" -ge 9 ] || complain "fewer results than expected"
settled reference
begin "undisturbed, longer"
life long --set train.steps=150
traces long >reference.long
echo "$calls calls change the disk"
[ "$calls" -gt 100 ] || complain "fewer calls than expected: the shim is not at work"

# At every call, or evenly at as many as make two thirds of KILLS: each twice, and once more while the runs are taken up again.
stride=$((calls * 6 / kills + 1))
call=$((seed % stride + 1))
while :; do
  for fault in kill torn; do
    begin "$fault at call $call"
    at=$call
    life soaked
    ended=$status
    at=$((call * 7 % calls + 1))
    [ "$ended" -ne 137 ] || life soaked
    settled reference
  done
  [ "$ended" -eq 137 ] || break
  call=$((call + stride))
done
echo "$died lives ended by SIGKILL at a call"

# At random moments, again and again.
while [ "$died" -lt "$kills" ]; do
  begin "SIGKILL at random"
  for _ in 1 2 3 4; do kill_later KILL 500 --set train.steps=150; done
  settled reference.long --set train.steps=150
done
while [ "$terminated" -lt $((kills / 8)) ]; do
  begin "SIGTERM at random"
  for _ in 1 2 3; do kill_later TERM 500 --set train.steps=150; done
  for at in $(numbers 2 "$calls"); do
    fault=term
    life soaked --set train.steps=150
  done
  settled reference.long --set train.steps=150
done

# A disk that is full from some call on. What was finished before stays, and what was trained is kept.
stride=$((calls * 8 / kills + 1))
call=$((seed % stride + 1))
while [ "$call" -le "$calls" ]; do
  begin "full at call $call"
  fault=full at=$call
  life soaked
  case $status in
    0) ;;
    1 | 2) full=$((full + 1)); grep -q 'No space left' log out || complain "$what: does not say why" ;;
    *) complain "$what: ends with $status" ;;
  esac
  no_part
  settled reference
  call=$((call + stride))
done

# A disk too small for one run of two: the other goes on.
begin "too small a disk"
life whole --set 'grid.model.width=[64,8]' --set model.mixer=softmax
fault='' at=0
(trap '' XFSZ; ulimit -f 60; exec "$seqbench" run grid.json --set 'grid.model.width=[64,8]' --set model.mixer=softmax --out soaked \
  --quiet) >out 2>log
[ $? -eq 1 ] || complain "$what: a run that does not fit is no failure"
grep -q 'File too large' out || complain "$what: the table does not say why a run failed"
[ "$(grep -l '"status": "ok"' soaked/*/*/result.json | wc -l)" -eq 1 ] || complain "$what: the run that fits did not go on"
no_part
: >finished
traces whole >reference.whole
settled reference.whole --set 'grid.model.width=[64,8]' --set model.mixer=softmax

# The same on a real one, where mounting is allowed.
begin "a full tmpfs"
mkdir soaked
if unshare -m true 2>find.err; then apart="unshare -m"; else apart="unshare -rm"; fi
if $apart mount -t tmpfs tmpfs soaked 2>find.err; then
  $apart sh -c '
    mount -t tmpfs -o size=48k tmpfs soaked
    "$1" run grid.json --out soaked --quiet >out.small 2>&1
    echo $? >status.small
    find soaked -name "*.part" >stray
    mount -o remount,size=10m tmpfs soaked
    "$1" run grid.json --out soaked --quiet >out.large 2>&1
    cp -r soaked copied' sh "$seqbench"
  [ "$(cat status.small)" -eq 1 ] || complain "$what: ends with $(cat status.small)"
  grep -q 'No space left' out.small || complain "$what: does not say why"
  [ ! -s stray ] || complain "$what: left $(cat stray)"
  rmdir soaked && mv copied soaked
  full=$((full + 1))
else
  echo "no tmpfs can be mounted here"
fi
settled reference

# The folder vanishes while it is worked in.
for _ in 1 2 3; do
  begin "a vanished folder"
  "$seqbench" run grid.json --out soaked --set train.steps=150 --threads 1 >out 2>log &
  process=$!
  while kill -0 $process 2>find.err && [ -z "$(find soaked -name checkpoint.safetensors 2>find.err)" ]; do sleep 0.02; done
  rm -rf soaked 2>find.err
  wait $process
  status=$?
  [ "$status" -le 1 ] || complain "$what: ends with $status"
  settled reference.long --set train.steps=150
done

echo "$died lives ended by SIGKILL, $terminated by SIGTERM, $full on a full disk; $failures complaints"
[ "$failures" -eq 0 ]
