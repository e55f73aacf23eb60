#!/bin/sh
# words_test.sh SEQBENCH: what a newcomer types and what the program says to it.
set -u
. "$(dirname "$0")/../expect.sh"
seqbench=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

cat >good.json <<'END_OF_SPEC'
{
  "task": { "name": "mqar", "vocab_size": 32, "length": 16, "pairs": 2 },
  "model": { "layers": 1, "width": 8, "mixer": "softmax" },
  "train": { "steps": 2, "batch": 4, "lanes": 2 },
  "eval": { "examples": 8 },
  "measure": { "speed": false, "contexts": [16] }
}
END_OF_SPEC
run="$seqbench run good.json --threads 1"

expect 2 'got "100".' $run --set 'train.steps="100"'
expect 2 'got "".' $run --set 'train.schedule=""'
printf '{\n "task": 1,\n "seed": 1e400 }\n' >large.json
expect 2 'large.json: line 3: the number 1e400 is too large' "$seqbench" run large.json
expect 2 'unknown option "--foo"' "$seqbench" run --foo
printf '{"task": {"name": "mqar"}, "model": {"mixer": "softmax\\u0000x"}}\n' >nul.json
expect 2 'nul.json: the spec.model.mixer: "softmax\u0000x" holds the character \u0000' "$seqbench" run nul.json --dry-run
expect 2 'is 256 bytes long; expected at most 255' $run --dry-run --out "$(printf 'a%.0s' $(seq 256))"
: >empty.json
expect 2 'empty.json: line 1, column 1: ' "$seqbench" run empty.json
expect 2 'nosuch.json: cannot be read: No such file' "$seqbench" run nosuch.json
expect 0 'run.lock' "$seqbench" run --help
for section in task grid select budget; do
  expect 0 'example:' "$seqbench" describe $section
  expect 0 '"kind": "section"' "$seqbench" describe $section --json
done
expect 0 'seqbench_build_type: release' "$seqbench" bench softmax --lengths 16 --benchmark_filter=decode --benchmark_min_time=0.001
expect 0 '"seqbench_build_type": "release"' "$seqbench" bench softmax --lengths 16 --benchmark_filter=decode \
  --benchmark_min_time=0.001 --benchmark_format=json
expect 2 'unknown option "--dryrun"; did you mean "--dry-run"?' "$seqbench" run good.json --dryrun
expect 0 'Usage: seqbench' "$seqbench" help
expect 0 '--dry-run' "$seqbench" help run
expect 2 'did you mean "run"?' "$seqbench" help rnu
for pair in train.learning_rate=lr train.batch_size=batch model.d_model=width model.hidden_size=width \
  model.num_layers=layers model.n_layers=layers task.seq_len=length; do
  expect 2 "did you mean \"${pair#*=}\"?" $run --set "${pair%=*}=1"
done
expect 2 'did you mean "heads"?' $run --set 'model.mixer={"name":"softmax","n_heads":2}'
expect 2 'name: expected at most 255 characters' $run --dry-run --set "name=$(printf '%0300d' 0)"
expect 2 'model.mixer: 2 mechanisms for the 1 of model.layers' $run --set 'model.mixer=["softmax","linear"]'
expect 2 '--temperature: expected a number, got nan' "$seqbench" sample nowhere --temperature nan
expect 2 '--seed' "$seqbench" sample nowhere --seed -1
expect 2 '\x1b[31m' $run --set 'model.position="\u001b[31m"'
grep -q "$(printf '\033')" err && { echo "FAILED: an escape character reaches the terminal"; failures=$((failures + 1)); }
expect 0 'results are in runs/good; "seqbench report runs/good"' $run
expect 0 '% needs \usepackage{booktabs}' "$seqbench" report runs --format latex
$run --force --quiet >out 2>err
[ -s err ] && { echo "FAILED: --quiet is not quiet"; failures=$((failures + 1)); }

# A model writes all that it has to say, NUL among it, without its text.
printf 'a\000b\000c' >once
i=0
while [ $i -lt 400 ]; do cat once; i=$((i + 1)); done >text.txt
expect 0 'results are in' $run --out text --set 'task={"name":"language_model","files":["text.txt"],"length":16,"vocab":"byte"}'
rm text.txt
"$seqbench" sample text/good/* --tokens 40 >out 2>err
[ "$(wc -c <out)" -eq 42 ] || { echo "FAILED: sample wrote $(wc -c <out) bytes, not 42"; cat err; failures=$((failures + 1)); }
expect 2 'text.txt' "$seqbench" eval text/good/*

[ "$failures" -eq 0 ] && echo "all as expected"
[ "$failures" -eq 0 ]
