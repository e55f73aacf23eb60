#!/bin/sh
# cli_test.sh SEQBENCH SOURCE: runs the program and checks exit statuses, messages and files.
set -u
seqbench=$(realpath "$1")
source=$(realpath "$2")
. "$source/tests/traces.sh"
. "$source/tests/expect.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# refuse TEXT ARGUMENTS...: `seqbench run` ends with status 2 and that text, prints no result and writes nothing.
refuse() {
  text=$1
  shift
  before=$(find . -type f -o -type d | sort | grep -v -e '^./out$' -e '^./err$')
  expect 2 "$text" "$seqbench" run "$@"
  [ -s out ] && complain "run $*: printed results"
  after=$(find . -type f -o -type d | sort | grep -v -e '^./out$' -e '^./err$')
  [ "$before" = "$after" ] || complain "run $*: wrote files"
}

cat >good.json <<'END'
{
  "task": { "name": "mqar", "vocab_size": 32, "length": 16, "pairs": 2 },
  "model": { "layers": 1, "width": 8, "mixer": { "name": "softmax", "heads": 2 } },
  "train": { "steps": 4, "batch": 4, "lanes": 2, "valid_every": 2, "valid_examples": 16 },
  "eval": { "examples": 16 },
  "measure": { "speed": false, "contexts": [16] }
}
END
small="good.json --threads 1 --set"

# Bad specs, and bad values on the command line.
refuse 'train: unknown key "stesp"; did you mean "steps"?' $small train.stesp=3
refuse 'the spec: unknown key "trian"; did you mean "train"?' $small trian.steps=3
refuse 'train.steps: expected an integer from 1 to 1000000000, got "many"' $small train.steps=many
refuse 'train.steps: expected an integer from 1 to 1000000000, got null' $small train.steps=null
refuse 'train.warmup: expected a number from 0 to 1, got 2' $small train.warmup=2
refuse 'model.mixer: unknown mechanism "sofmax"; did you mean "softmax"?' $small model.mixer=sofmax
refuse 'task.name: unknown task "mqra"; did you mean "mqar"?' $small task.name=mqra
refuse 'pairs' $small task.pairs=9
refuse 'model.mixer.heads: expected a divisor of model.width' $small model.mixer.heads=3
refuse 'model.mixer.kv_heads: expected a divisor of model.mixer.heads' $small model.mixer.kv_heads=3
refuse 'model.mixer.sinks: expected 0 without a window' $small model.mixer.sinks=2
refuse 'model.mixer.k: expected at most the 16 tokens' $small 'model.mixer={"name":"sparse_k","k":17}'
refuse 'model.mixer.normalise: expected false' $small 'model.mixer={"name":"linear","feature_map":"silu"}'
refuse 'train.lanes: expected at most train.batch' $small train.lanes=8
refuse '(in the run with task.pairs=9)' $small 'grid.task.pairs=[2,9]'
refuse 'grid.seed: empty grid' $small 'grid.seed=[]'
refuse 'expected path=value' $small train.steps
refuse 'not an object' $small train.steps.more=3
refuse 'nope.json: cannot be read: No such file or directory' nope.json
refuse 'is a folder' .
printf '{ "task": { "name": "mqar" },\n  "model": { "mixer": "softmax", } }\n' >bad.json
refuse 'bad.json: line 2, column 34: malformed JSON' bad.json
printf '{ "task": { "name": "mqar", "name": "mqar" } }\n' >bad.json
refuse 'task.name: the key is given twice' bad.json
printf '{ "task": { "name": "mqar" } }\n' >bad.json
refuse 'model.mixer: missing' bad.json
refuse 'bad.json: model.mixer: missing' good.json bad.json
refuse 'the output folder cannot be written' good.json --out good.json
refuse 'the output folder cannot be written' good.json --out good.json/runs
refuse 'the output folder cannot be written' good.json --out /proc/runs
refuse 'spec is required'
refuse '--jobs' good.json --jobs 0
refuse '--threads' good.json --threads many

# Commands.
expect 2 'unknown command "rnu"; did you mean "run"?' "$seqbench" rnu
expect 2 'Usage: seqbench' "$seqbench"
expect 2 'unknown name "sofmax"; did you mean "softmax"?' "$seqbench" describe sofmax
expect 0 'Usage: seqbench run' "$seqbench" run --help
expect 0 'seqbench 0.' "$seqbench" --version
expect 0 'softmax' "$seqbench" list
expect 0 '"kind": "task"' "$seqbench" list tasks --json
expect 0 'heads' "$seqbench" describe softmax
expect 0 '[D, D / 4]' "$seqbench" describe '{"name":"softmax","kv_heads":1}'
expect 0 '"layout": "row r multiplies x_{t-r}' "$seqbench" describe slstm --json
expect 0 '"default": 0.001' "$seqbench" describe train --json
expect 0 'GFLOP/s' "$seqbench" doctor
# apply: what it writes is what it read, through every complaint on the way.
golden() { # golden NAME JSON NUMBERS...: a safetensors file of one header and little-endian f32 numbers 1.0
  header=$2
  while [ $((${#header} % 8)) -ne 0 ]; do header="$header "; done
  { printf "\\$(printf %03o ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"
    i=0; while [ $i -lt "$3" ]; do printf '\0\0\200\077'; i=$((i + 1)); done; } >"$1"
}
golden w.safetensors '{"wz":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"wh":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]}}' 8
golden x.safetensors '{"x":{"dtype":"F32","shape":[1,3,2],"data_offsets":[0,24]},"dy":{"dtype":"F32","shape":[1,3,2],"data_offsets":[24,48]}}' 12
golden nody.safetensors '{"x":{"dtype":"F32","shape":[1,3,2],"data_offsets":[0,24]}}' 6
golden half.safetensors '{"wz":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' 4
golden wide.safetensors '{"wz":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"wh":{"dtype":"F32","shape":[2,2],"data_offsets":[24,40]}}' 10
golden more.safetensors '{"wz":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"wh":{"dtype":"F32","shape":[2,2],"data_offsets":[16,32]},"wq":{"dtype":"F32","shape":[1],"data_offsets":[32,36]}}' 9
apply_to() { # apply_to STATUS TEXT WEIGHTS INPUT OUTPUT MORE...
  status=$1 text=$2 weights=$3 input=$4 output=$5
  shift 5
  expect "$status" "$text" "$seqbench" apply min_gru --weights "$weights" --input "$input" --output "$output" "$@"
}
w=w.safetensors x=x.safetensors y=y.safetensors
apply_to 0 'min_gru (recurrent): y [1, 3, 2] of norm' $w $x $y --grad g.safetensors
[ -s y.safetensors ] && [ -s g.safetensors ] || complain "apply wrote nothing"
apply_to 0 'min_gru (parallel)' $w $x $y --form parallel
rm -f y.safetensors g.safetensors
apply_to 2 'min_gru: unknown form "chunkwise". Known: recurrent, parallel' $w $x $y --form chunkwise
expect 2 'heads' "$seqbench" apply softmax --options '{"heads":3}' --weights w.safetensors --input x.safetensors --output y.safetensors
apply_to 2 'unknown key "expantion"; did you mean "expansion"?' $w $x $y --options '{"expantion":2}'
apply_to 2 'weights: missing "wh" of shape [2, 2]' half.safetensors $x $y
apply_to 2 'weights: "wz" should be of shape [2, 2], and is of shape [2, 3]' wide.safetensors $x $y
apply_to 2 'weights: unknown tensor "wq"; did you mean "wz"?' more.safetensors $x $y
expect 2 'seqbench describe min_gru' "$seqbench" apply min_gru --input x.safetensors --output y.safetensors
apply_to 2 'input: missing "dy" of shape [1, 3, 2]' $w nody.safetensors $y --grad g.safetensors
apply_to 2 'nope.safetensors: could not be read' $w nope.safetensors $y
apply_to 2 'not a safetensors file' $w good.json $y
apply_to 2 'would be overwritten' $w $x $w
[ -f y.safetensors ] || [ -f g.safetensors ] && complain "apply wrote files after a complaint"
# A link stays one, pipes and devices are written through, and what is printed goes where it spoils nothing.
apply_to 0 'min_gru' $w $x $y
cp y.safetensors expected
mkdir far
: >far/y
ln -s far/y link
apply_to 0 'in link' $w $x link
[ -L link ] && cmp -s far/y expected || complain "apply --output LINK did not write what the link points to"
mkfifo pipe
timeout 60 cat pipe >piped &
apply_to 0 'in pipe' $w $x pipe
wait $!
[ -p pipe ] && cmp -s piped expected || complain "apply --output PIPE did not write through the pipe"
"$seqbench" apply min_gru --weights $w --input $x --output /dev/stdout 2>err | cmp - expected >out 2>&1 || complain "apply --output /dev/stdout"
apply_to 2 'far: cannot be written: is a folder' $w $x far
apply_to 2 '/dev/full: cannot be written: No space left on device' $w $x /dev/full
apply_to 2 'is both --output and --grad' $w $x y2.safetensors --grad ./y2.safetensors
rm -rf far link pipe piped expected
rm -f ./*.safetensors
expect 0 '2 proofs of 1 mechanism' "$seqbench" check '{"name":"min_gru","expansion":2}' --proof bits --proof growth
# All proofs as on a processor without AVX-512; tests/contract has them with everything this one offers.
expect 0 '(AVX2)' "$seqbench" check --isa avx2
[ "$(grep -c '^ok ' out)" -ge 500 ] || complain "check: fewer proofs than expected"
expect 0 '"repeat": "seqbench check min_gru --proof bits"' "$seqbench" check min_gru --proof bits --json
expect 2 'check: unknown mechanism "sofmax"; did you mean "softmax"?' "$seqbench" check sofmax
expect 2 '--proof: bit not in' "$seqbench" check --proof bit
expect 2 'check: unknown key "haeds"; did you mean "heads"?' "$seqbench" check '{"name":"softmax","haeds":2}'
expect 2 'softmax.heads: expected a divisor' "$seqbench" check '{"name":"softmax","heads":3}'
expect 0 'min_gru expansion=2/decode/16' "$seqbench" bench softmax '{"name":"min_gru","expansion":2}' --lengths 16,32 \
  --width 8 --benchmark_min_time=0.001
expect 2 'unknown argument "--benchmark_fliter=x"' "$seqbench" bench softmax --benchmark_fliter=x
expect 2 'bench: unknown mechanism "sofmax"; did you mean "softmax"?' "$seqbench" bench sofmax
expect 2 'bench.heads: expected a divisor' "$seqbench" bench softmax --width 6
expect 2 '--lengths' "$seqbench" bench softmax --lengths 0
{ "$seqbench" list 2>err; echo $? >status; } | head -n 1 >out
[ "$(cat status)" -eq 0 ] && [ ! -s err ] && [ "$(wc -l <out)" -eq 1 ] || complain "list | head -1"
"$seqbench" schema >schema.json
cmp -s schema.json "$source/configs/schema.json" || complain "configs/schema.json is old: seqbench schema > configs/schema.json"
rm -f schema.json status bad.json
for spec in "$source"/configs/*.json; do
  [ "$(basename "$spec")" = schema.json ] || expect 0 ' runs to do' "$seqbench" run "$spec" --dry-run
done
[ -d runs ] && complain "a dry run wrote files"

# A grid runs, one run diverges, the other goes on; a second time all is skipped.
expect 1 'diverged' "$seqbench" run $small 'grid.train.lr=[1000,0.01]' --set train.clip=0 --set train.steps=30
[ "$(find runs -name result.json | wc -l)" -eq 2 ] || complain "two runs gave other than two results"
grep -q '"status": "diverged"' runs/good/*lr1000*/result.json || complain "no run is stored as diverged"
grep -q '"status": "ok"' runs/good/*lr0.01*/result.json || complain "no run is stored as ok"
[ -s "$(echo runs/good/*lr0.01*/curve.jsonl)" ] || complain "there is no learning curve"
cksum runs/good/*/result.json >before
expect 1 '2 of 2 runs are finished' "$seqbench" run $small 'grid.train.lr=[1000,0.01]' --set train.clip=0 --set train.steps=30
cksum runs/good/*/result.json | cmp -s - before || complain "finished runs were run again"

: >"$(echo runs/good/*lr0.01*)/checkpoint.safetensors"  # as a kill leaves it
expect 1 '2 of 2 runs are finished' "$seqbench" run $small 'grid.train.lr=[1000,0.01]' --set train.clip=0 --set train.steps=30
[ -z "$(find runs -name 'checkpoint*')" ] || complain "what a kill left beside a finished result stays"

# A result that cannot be read stops everything, until it is moved away or all is run again.
echo '{' >"$(echo runs/good/*lr0.01*/result.json)"
refuse 'Delete that file or move it away' $small 'grid.train.lr=[1000,0.01]' --set train.clip=0 --set train.steps=30
expect 1 'diverged' "$seqbench" run $small 'grid.train.lr=[1000,0.01]' --set train.clip=0 --set train.steps=30 --force --quiet
[ -s err ] && complain "--quiet was not quiet"

# An interrupted run keeps its state, and goes on to the same curve as one that was not.
long="$small train.steps=3000 --set train.valid_every=50"
"$seqbench" run $long --out stopped >out 2>err &
process=$!
while kill -0 $process 2>err.kill && [ -z "$(find stopped -name curve.jsonl 2>err.kill)" ]; do sleep 0.05; done
kill -INT $process
wait $process
[ $? -eq 130 ] || complain "an interrupted run did not end with 130"
grep -q 'The same command goes on' err || complain "an interrupted run does not say how to go on"
[ -n "$(find stopped -name checkpoint.safetensors)" ] || complain "an interrupted run kept no state"
[ -z "$(find stopped -name result.json)" ] || complain "an interrupted run has a result"
expect 0 'goes on from step ' "$seqbench" run $long --out stopped
expect 0 'softmax' "$seqbench" run $long --out straight
cmp -s stopped/good/*/curve.jsonl straight/good/*/curve.jsonl || complain "an interrupted run went on to another curve"

# A killed run whose newest checkpoint is damaged says so, and goes on from the one before to the same curve.
"$seqbench" run $long --set train.checkpoint_seconds=0 --out torn >out 2>err &
process=$!
while kill -0 $process 2>err.kill && [ ! -s "$(echo torn/good/*/curve.jsonl)" ]; do sleep 0.05; done
kill -KILL $process
wait $process 2>err.kill
printf 'xyz' | dd of="$(echo torn/good/*)/checkpoint.safetensors" bs=1 seek=1500 conv=notrunc 2>err.dd
expect 0 'The checkpoint before it is used: goes on from step' "$seqbench" run $long --out torn --quiet
cmp -s torn/good/*/curve.jsonl straight/good/*/curve.jsonl || complain "a damaged checkpoint led to another curve"
grep -q '"resumes": 1' torn/good/*/result.json || complain "a result does not say that its run was taken up again"
# So does one that a signal meets in its final test, which would take minutes, and the terminal's end is such a signal, unless it
# is ignored as under nohup.
tests="$small train.steps=20 --set eval.examples=5000 --set eval.lengths=[8192] --quiet"
for signal in TERM HUP; do
  env --default-signal=HUP "$seqbench" run $tests --out "tests-$signal" >out 2>err &
  process=$!
  while kill -0 $process 2>err.kill && [ -z "$(find "tests-$signal" -name checkpoint.safetensors 2>err.kill)" ]; do sleep 0.05; done
  before=$(date +%s)
  kill -$signal $process
  wait $process
  [ $? -eq 130 ] || complain "a run that SIG$signal met did not end with 130"
  [ $(($(date +%s) - before)) -lt 20 ] || complain "SIG$signal took long to end a test"
  [ -n "$(find "tests-$signal" -name checkpoint.safetensors)" ] || complain "SIG$signal in a test: no state was kept"
done
nohup "$seqbench" run $tests --out tests-nohup >out 2>err &
process=$!
while kill -0 $process 2>err.kill && [ -z "$(find tests-nohup -name checkpoint.safetensors 2>err.kill)" ]; do sleep 0.05; done
kill -HUP $process
sleep 1
kill -0 $process || complain "nohup did not keep a run from SIGHUP"
kill -TERM $process
wait $process

# Limits of a command and of a run, whose row a longer limit takes up.
expect 130 '--time-limit 1s is over, 1 of 1 runs not finished. The same command goes on' "$seqbench" run $tests --out limited --time-limit 1s
[ -z "$(find limited -name result.json)" ] || complain "a command over its limit left a result"
expect 1 'timeout: over its limit of 1 s' "$seqbench" run $tests --out limited --run-time-limit 1s
expect 1 'timeout: over its limit of 1 s' "$seqbench" run $tests --out limited --run-time-limit 0.5s
[ -n "$(find limited -name checkpoint.safetensors)" ] || complain "a run over its limit kept no state"
refuse '--time-limit "10": expected a time above 0 with its unit' $tests --time-limit 10

# A context that no memory holds is known before anything is read, and its row says what to lower.
expect 1 'failed: lower measure.contexts: a context of 10000000 tokens' "$seqbench" run $small train.steps=2 --set 'measure={"contexts": [10000000], "speed": false}' \
  --set model.width=256 --set model.layers=16 --out large --quiet
expect 0 'cannot run here: lower measure.contexts: a context of 10000000 tokens' "$seqbench" run $small train.steps=2 --set 'measure={"contexts": [10000000], "speed": false}' \
  --set model.width=256 --set model.layers=16 --out large --dry-run

# A run that a process is at work on is left to it, until that process ends.
endless="$small train.steps=1000000"
"$seqbench" run $endless --out held >out.held 2>err.held &
process=$!
while kill -0 $process 2>err.kill && [ -z "$(find held -name curve.jsonl 2>err.kill)" ]; do sleep 0.05; done
expect 1 'another process is at work on 1 of 1 runs' "$seqbench" run $endless --out held
expect 1 'when they are done (without --force)' "$seqbench" run $endless --out held --force
expect 0 '  running' "$seqbench" ls held
expect 1 'another process is at work on it' "$seqbench" rm held --failed --yes
kill -KILL $process || complain "a run did not go on beside commands on its folder"
wait $process 2>err.kill
expect 0 '  is not finished' "$seqbench" ls held
expect 0 'removed held' "$seqbench" rm held --failed --yes

# The same spec at any number of threads, alone or side by side: the same metrics, curve and weights, bit for bit.
grid='grid.model.mixer=["softmax","linear","min_gru","sparse_k","retention","xlstm","gru"]'
for how in '1 1' '2 1' '5 1' '2 2' '5 2'; do
  threads=${how% *}
  jobs=${how#* }
  expect 0 'min_gru' "$seqbench" run good.json --set "$grid" --set 'grid.seed=[0,1]' --set train.steps=20 \
    --threads "$threads" --jobs "$jobs" --out "bits-$threads-$jobs"
  traces "bits-$threads-$jobs" >traces
  [ "$(grep -c '"accuracy":' traces)" -ge 42 ] || complain "$how: fewer metrics than expected"
  [ -f traces-1-1 ] || cp traces traces-1-1
  cmp -s traces traces-1-1 || complain "threads and jobs $how: other results than with 1 1"
done

# Killed in the middle of a grid that runs side by side: what was finished is not run again, and the rest comes out as if nothing
# had happened.
six="good.json --set grid.seed=[0,1,2,3,4,5] --set train.steps=3000 --set train.valid_every=50 --set measure.speed=false --jobs 2"
"$seqbench" run $six --out killed >out 2>err &
process=$!
while kill -0 $process 2>err.kill && [ "$(find killed -name result.json 2>err.kill | wc -l)" -lt 2 ]; do sleep 0.02; done
kill -KILL $process
wait $process 2>err.kill
find killed -name result.json | sort >finished
[ "$(wc -l <finished)" -ge 2 ] && [ "$(wc -l <finished)" -lt 6 ] || complain "was not killed in the middle: $(wc -l <finished) of 6"
xargs cksum <finished >before
expect 0 "$(wc -l <finished) of 6 runs are finished" "$seqbench" run $six --out killed
xargs cksum <finished | cmp -s - before || complain "after a kill, finished runs were run again"
expect 0 'softmax' "$seqbench" run $six --out whole
traces killed >traces
traces whole >traces.whole
[ "$(grep -c '"accuracy":' traces)" -ge 18 ] || complain "after a kill: fewer metrics than expected"
cmp -s traces traces.whole || complain "a grid that was killed ends in other results than one that was not"

# Mixtures, further tests, and what does not fit them.
refuse 'task.mix[1]: unknown key "pears"; did you mean "pairs"?' $small 'task.mix=[{"pairs":1},{"pears":2}]'
refuse 'task.mix[0].weight: expected a number above 0, got 0' $small 'task.mix=[{"weight":0}]'
refuse 'task.mix[1]: task.pairs: 9 do not fit' $small 'task.mix=[{"pairs":1},{"pairs":9}]'
refuse 'eval.settings[0]: task.pairs: 9 do not fit' $small 'eval.settings=[{"pairs":9}]'
refuse 'eval.settings[0]: has a vocabulary of 64 tokens; expected the 32' $small 'eval.settings=[{"vocab_size":64}]'
refuse 'eval.lengths: task.length: expected an even number' $small 'eval.lengths=[17]'
refuse 'eval.settings: expected a list of objects' $small eval.settings=3
refuse 'task.min_length: expected at most task.length 40, got 41' $small 'task={"name":"parity","min_length":41}'
refuse 'task.files: expected at least one text file' $small 'task={"name":"language_model"}'
expect 0 'length=32 pairs=4' "$seqbench" run $small 'task.mix=[{"pairs":1},{"weight":2,"pairs":4}]' \
  --set 'eval.settings=[{"length":32,"pairs":4}]' --out mixed
grep -q 'test accuracy by pairs' out || complain "a mixture has no scores by pairs"

# A kept model is tested again to the figures of its run, and on others; a language model writes.
mixed=$(echo mixed/good/*)
expect 0 '"labels": 64' "$seqbench" eval "$mixed" --json
sed -n '/^    "test"/,/^    }/p' out | cksum >again
sed -n '/^    "test"/,/^    }/p' "$mixed/result.json" | cksum | cmp -s - again || complain "eval gives other figures"
for rows in 1 16 512 4096; do
  "$seqbench" eval "$mixed" --json --rows $rows >out 2>err
  sed -n 's/\(\.[0-9]\{5\}\)[0-9]*/\1/; /^    "test"/,/^    }/p' out | cksum >rows-$rows
  cmp -s rows-$rows rows-1 || complain "eval --rows $rows gives other figures than --rows 1"
done
expect 0 'length=64' "$seqbench" eval "$mixed" --set 'eval.lengths=[64]'
expect 0 'length=48' "$seqbench" eval mixed --set 'eval.lengths=[48]'
[ -s err ] && complain "eval says more than it was asked: $(cat err)"
expect 0 'test.accuracy@length=48 by' "$seqbench" report mixed --rows experiment --cols mechanism --metric test.accuracy@length=48
expect 0 ' ok          4 ' "$seqbench" ls mixed
cp -r mixed two && rm two/good/*/model.safetensors
expect 1 'its model.safetensors is not there' "$seqbench" eval mixed two
expect 2 'no run that can be tested' "$seqbench" eval two
rm -r two
expect 2 'the model is trained already' "$seqbench" eval "$mixed" --set train.steps=3
expect 2 "the task's tokens are not those" "$seqbench" eval "$mixed" --set task.vocab_size=64
expect 2 'there is no such folder' "$seqbench" eval nowhere
mkdir empty
expect 2 'holds no model.safetensors' "$seqbench" eval empty
expect 2 'expected two runs, got 1' "$seqbench" eval "$mixed" --paired
expect 2 'cannot be written' "$seqbench" eval "$mixed" --examples nowhere/file
expect 0 'softmax' "$seqbench" eval "$mixed" --best
expect 0 'linear' "$seqbench" run $small 'grid.model.mixer=["softmax","linear"]' --out pair --quiet
expect 0 'only A' "$seqbench" eval pair --paired --examples examples.jsonl --set 'eval.lengths=[48]'
[ "$(grep -c '^{"run":.*"exact":.*"loss":.*}$' examples.jsonl)" -eq 64 ] || complain "--examples wrote other than a line an example"
expect 0 'good' "$seqbench" report pair --rows experiment --cols mechanism --metric best.test.accuracy

# Nothing of a file's making is an internal error: headers nested too deep, loops of links, names that are too long.
header="{\"x\":$(head -c 100000 /dev/zero | tr '\0' '[')"
printf '\245\206\001\0\0\0\0\0%s' "$header" >nested.safetensors
ln -s loop loop
long=$(head -c 5000 /dev/zero | tr '\0' 'a')
for file in nested.safetensors loop "$long"; do
  for command in eval sample 'apply min_gru --input nested.safetensors --output y --weights' 'apply min_gru --weights nested.safetensors --output y --input' \
      run 'run good.json --slurm' 'run good.json --out' report ls rm diff\ mixed 'compare mixed'; do
    case "$file $command" in nested*--slurm) continue ;; esac
    expect 2 "seqbench: " "$seqbench" $command "$file"
    grep -q -e 'internal error' -e 'filesystem error' -e json.exception err && complain "$command $file: is an internal error"
  done
done
rm -f loop nested.safetensors
expect 2 'whose tokens are no text' "$seqbench" sample "$mixed" --prompt k1
i=0
while [ $i -lt 200 ]; do echo "line $i of a text, and a bit more"; i=$((i + 1)); done >text.txt
expect 0 'bits/byte' "$seqbench" run $small 'task={"name":"language_model","files":["text.txt"],"length":32,"vocab":"char"}' --out text
grep -q 'test loss, nats, by position' out || complain "a text has no loss by position"
expect 0 'line' "$seqbench" sample text/good/* --prompt line --tokens 20 --seed 1
[ "$(wc -c <out)" -eq 25 ] || complain "sample wrote other than the prompt, 20 characters and a line's end"
cp out first
"$seqbench" sample text/good/* --prompt line --tokens 20 --seed 1 | cmp -s - first || complain "a seed gives two samples"
expect 2 'is not in the training text' "$seqbench" sample text/good/* --prompt 'Z'
echo more >>text.txt
expect 2 'have changed since it was trained' "$seqbench" eval text/good/*

# A person can look at a task.
expect 0 'answers' "$seqbench" describe mqar --example
expect 0 'length 24, pairs 2' "$seqbench" describe '{"name":"mqar","length":24,"pairs":2}' --example
expect 0 'guessing among all answers' "$seqbench" describe parity
expect 2 'did you mean "pairs"?' "$seqbench" describe '{"name":"mqar","pears":2}'
expect 2 'unknown task "softmax"' "$seqbench" describe softmax --example

# A model that changed on the disk is refused.
cp -r mixed flipped
printf 'x' | dd of="$(echo flipped/good/*/model.safetensors)" bs=1 seek=2000 conv=notrunc 2>err.dd
expect 2 'is damaged: what it holds does not match its checksum' "$seqbench" eval flipped/good/*
rm -r flipped

# Results are put together from folders, and compared.
expect 0 'test accuracy' "$seqbench" report mixed text
expect 0 'result.json' "$seqbench" report mixed --explain
expect 0 'mechanism,test.loss' "$seqbench" report text --metric test.loss --format csv
"$seqbench" report mixed --format html --out page.html --plots plots >out 2>err || complain "report --format html fails"
grep -q '</html>' page.html || complain "report --format html wrote no page"
[ -n "$(ls plots/*.svg)" ] || complain "report --plots wrote no plots"
expect 2 'unknown metric "test.acuracy"' "$seqbench" report mixed --metric test.acuracy
expect 2 'no such folder' "$seqbench" report nowhere
mkdir -p nothing half/run
expect 2 'no result found' "$seqbench" report nothing
echo '{"schema": 1,' >half/run/result.json
expect 2 'malformed JSON' "$seqbench" report half
expect 0 'malformed JSON' "$seqbench" report half mixed
expect 0 '6 same' "$seqbench" compare mixed mixed --no-speed --junit junit.xml
grep -q '<testsuite' junit.xml || complain "compare --junit wrote no report"
expect 2 'task is mqar in BASE and language_model in NEW' "$seqbench" compare mixed text

# Every command tells when its output could not be written.
full() {
  "$seqbench" "$@" >/dev/full 2>err
  [ $? -eq 1 ] && grep -q 'could not be written: No space left on device' err || complain "$* >/dev/full is not told"
}
for command in list schema doctor --version 'run --help' 'run good.json --dry-run' 'describe mqar --example' 'report mixed' \
  'report mixed --format json' 'compare mixed mixed' 'ls mixed' 'rm mixed' 'diff mixed/good mixed/good' 'check min_gru --proof bits' \
  'bench softmax --lengths 16 --width 8 --benchmark_min_time=0.001' \
  'bench softmax --lengths 16 --width 8 --benchmark_min_time=0.001 --benchmark_format=json' \
  "eval $mixed" "run good.json --quiet --out on-full"; do
  full $command
done
expect 2 '/dev/full: cannot be written: No space left on device' "$seqbench" report mixed --out /dev/full
expect 2 '/dev/full: cannot be written: No space left on device' "$seqbench" compare mixed mixed --junit /dev/full
echo first >log
"$seqbench" report mixed --out /dev/stdout >>log 2>err
[ "$(head -n 1 log)" = first ] && grep -q 'test accuracy' log || complain "report --out /dev/stdout >>log lost what was in the log"
for command in 'report mixed --out /dev/stdout' 'run good.json --set seed=9 --slurm /dev/stdout' \
  'bench softmax --lengths 16 --width 8 --benchmark_min_time=0.001'; do
  { timeout 60 "$seqbench" $command 2>err; echo $? >status; } | head -n 1 >out
  [ "$(cat status)" -eq 0 ] && [ -s out ] || complain "$command | head -n 1: exit status $(cat status)"
done
rm -r log status on-full

# Runs are listed, told apart and removed.
expect 0 'ok' "$seqbench" ls mixed
expect 2 'no run found' "$seqbench" ls nothing
expect 0 'spec.task' "$seqbench" diff mixed/good/* text/good/*
expect 0 'differ in nothing' "$seqbench" diff mixed/good/* mixed/good/*
expect 0 'would remove half/run' "$seqbench" rm half mixed --failed
[ -e half/run ] || complain "rm without --yes removed a run"
cp -r mixed newer
sed -i 's/"schema": 1/"schema": 2/' newer/good/*/result.json
"$seqbench" rm newer --failed --yes >out 2>err || complain "rm --failed fails where nothing failed"
[ -e newer/good/*/result.json ] || complain "rm --failed removed a result of a newer version"
expect 0 'removed half/run' "$seqbench" rm half mixed --failed --yes
[ ! -e half/run ] && [ -e mixed/good ] || complain "rm --failed removed other than the run that is not finished"
"$seqbench" report mixed --format json >mixed/result.json 2>err
expect 0 'mixed/result.json: ' "$seqbench" report mixed
: >mixed/result.json
expect 1 'mixed: is left as it is' "$seqbench" rm mixed --failed --yes
expect 0 'ok' "$seqbench" ls mixed
rm mixed/result.json

# Configurations are timed where runs wait for others or a time left is shown, and nowhere else.
products() { # products ARGUMENTS...: matrix products of `seqbench run`, but for those that measure the machine
  ONEDNN_VERBOSE=1 "$seqbench" run good.json --set 'grid.model.width=[8,16,24]' --threads 1 "$@" 2>err |
    grep 'exec,.*matmul' | grep -vc '512x512:512x512'
}
quiet=$(products --quiet --out timed-1)
[ "$quiet" -gt 0 ] || complain "oneDNN reports no matrix product"
[ "$(products --quiet --jobs 3 --out timed-2)" -eq "$quiet" ] || complain "configurations are timed for nothing"
[ "$(products --quiet --jobs 2 --out timed-3)" -gt "$quiet" ] || complain "configurations are not timed for their order"
[ "$(products --out timed-4)" -gt "$quiet" ] || complain "configurations are not timed for the time left"

# A grid in parts, and as an array of a cluster.
part="good.json --set grid.seed=[0,1,2] --set train.steps=4 --set measure.speed=false --out parts --quiet"
expect 0 '2/3' "$seqbench" run $part --shard 1/2
[ "$(ls parts/good/*/result.json | wc -l)" -eq 2 ] || complain "shard 1/2 of three runs is not two"
expect 0 'seeds' "$seqbench" run $part --shard 2/2 --jobs 2
[ "$(ls parts/good/*/result.json | wc -l)" -eq 3 ] || complain "two shards are not the whole grid"
expect 2 'like 2/4' "$seqbench" run $part --shard 3/2
expect 2 'nothing is left' "$seqbench" run $part --slurm job.sh
expect 0 'sbatch job.sh starts 3 tasks' "$seqbench" run good.json --set grid.seed=[0,1,2] --out cluster --slurm job.sh
bash -n job.sh || complain "the script for Slurm is no bash"
SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_TASK_ID=2 bash job.sh >out 2>err || complain "a task of the script for Slurm fails"
[ "$(ls cluster/good/*/result.json | wc -l)" -eq 1 ] || complain "a task of three is not one run"
expect 0 'sbatch job.sh starts 2 tasks' "$seqbench" run good.json --set grid.seed=[0,1,2] --out cluster --slurm job.sh
grep -q '^#SBATCH --array=1,3$' job.sh || complain "a finished run has a task of Slurm"
for task in 1 3; do
  SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_TASK_ID=$task bash job.sh >out 2>err || complain "task $task of what is left fails"
done
[ "$(ls cluster/good/*/result.json | wc -l)" -eq 3 ] || complain "the tasks left are not the runs left"
refuse '--slurm: expected --jobs 1, got 2' good.json --set seed=9 --slurm job2.sh --jobs 2

# A variable of the shell that is not set is no name of a file.
refuse '--slurm: expected the name of a file or folder, got ""' good.json --set seed=9 --slurm ""
refuse '--slurm: expected the name of a file or folder, got "--quiet"' good.json --set seed=9 --slurm= --quiet
refuse '--out: expected the name of a file or folder, got ""' good.json --out ""
expect 2 '--out: expected the name' "$seqbench" report mixed --out ""
expect 2 '--plots: expected the name' "$seqbench" report mixed --plots ""
expect 2 '--junit: expected the name' "$seqbench" compare mixed mixed --junit ""
for file in --weights --input --output --grad; do
  expect 2 "$file: expected the name" "$seqbench" apply min_gru --weights w --input x --output y --grad g $file ""
done

[ "$failures" -eq 0 ] && echo "all as expected"
[ "$failures" -eq 0 ]
