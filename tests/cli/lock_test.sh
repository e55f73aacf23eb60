#!/bin/sh
# lock_test.sh SEQBENCH SHIM: one run is trained by one process, on file systems whose flock() holds nothing or fails too.
set -u
. "$(dirname "$0")/../expect.sh"
seqbench=$(realpath "$1")
shim=$(realpath "$2")
work=$(mktemp -d)
process=
trap '[ -n "$process" ] && kill -KILL $process 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

cat >good.json <<'END_OF_SPEC'
{
  "task": { "name": "mqar", "vocab_size": 32, "length": 16, "pairs": 2 },
  "model": { "layers": 1, "width": 8, "mixer": { "name": "softmax", "heads": 2 } },
  "train": { "steps": 4, "batch": 4, "lanes": 2, "valid_every": 2 },
  "eval": { "examples": 16 },
  "measure": { "speed": false, "contexts": [16] }
}
END_OF_SPEC

for how in succeed fail; do
  shimmed="env LD_PRELOAD=$shim FLOCK_SHIM=$how $seqbench"
  long="run good.json --threads 1 --set train.steps=1000000 --out $how"

  # A finished run leaves nothing but its results; nor does rm.
  expect 0 'softmax' $shimmed run good.json --threads 1 --out "short-$how"
  [ -z "$(find "short-$how" -name run.lock)" ] || complain "$how: a finished run left its lock"
  expect 0 'removed' $shimmed rm "short-$how" --yes
  [ -z "$(find "short-$how" -mindepth 2)" ] || complain "$how: rm left $(find "short-$how" -mindepth 2)"

  # Two processes do not train one run.
  $shimmed $long >out.first 2>err.first &
  process=$!
  while kill -0 $process 2>/dev/null && [ -z "$(find $how -name curve.jsonl 2>/dev/null)" ]; do sleep 0.05; done
  expect 1 "another process is at work on it ($process on " $shimmed $long
  expect 1 'another process is at work on 1 of 1 runs' $shimmed $long --force
  expect 1 'another process is at work on it' $shimmed rm $how --failed --yes
  expect 0 '  running' $shimmed ls $how
  kill -0 $process || complain "$how: the first process ended"
  kill -KILL $process
  wait $process 2>/dev/null
  process=
  lock=$(find $how -name run.lock)
  [ -h "$lock" ] || complain "$how: there is no lock to be left behind"

  # What a killed process leaves is taken over where flock() was got; else the message says what to delete.
  if [ $how = succeed ]; then
    expect 0 'softmax' $shimmed run good.json --threads 1 --out $how --set train.steps=1000000 --dry-run
    expect 0 'removed' $shimmed rm $how --failed --yes
  else
    expect 1 "if that is no longer so, delete $lock" $shimmed $long
    rm "$lock"
    expect 0 'removed' $shimmed rm $how --failed --yes
  fi

  # Another host's lock is never replaced, and the message names host and file.
  expect 0 'softmax' $shimmed run good.json --threads 1 --out "other-$how"
  run=$(echo other-$how/good/*)
  rm "$run/result.json"
  ln -s 'gpu3 4711 1 00000000 00000000' "$run/run.lock"
  expect 1 "another process is at work on it (4711 on gpu3); if that is no longer so, delete $run/run.lock" \
    $shimmed run good.json --threads 1 --out "other-$how"
  expect 1 "delete $run/run.lock" $shimmed rm "other-$how" --failed --yes
  expect 0 'running on gpu3' $shimmed ls "other-$how"
  [ "$(readlink "$run/run.lock")" = 'gpu3 4711 1 00000000 00000000' ] || complain "$how: another host's lock is gone"
  rm "$run/run.lock"
  expect 0 'softmax' $shimmed run good.json --threads 1 --out "other-$how"
done

[ "$failures" -eq 0 ] && echo "all as expected"
[ "$failures" -eq 0 ]
