#!/bin/sh
# tools_test.sh SOURCE PEER: see CMakeLists.txt. PEER is the program seqbench_peer.
set -u
source=$(realpath "$1")
peer=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
fail() {
  echo "FAILED: $1" >&2
  cat out err >&2
  failed=1
}
# expect STATUS TEXT COMMAND...: the command ends so, and prints the text.
expect() {
  status=$1 text=$2
  shift 2
  "$@" >out 2>err </dev/null
  ended=$?
  [ "$ended" -eq "$status" ] || fail "exit status $ended instead of $status: $*"
  grep -qF -- "$text" out err || fail "no \"$text\" from: $*"
}

# Shell scripts. That they run at all with what they install is shown by this test being run.
for script in quickstart test install corpus; do
  bash -n "$source/tools/$script" || fail "tools/$script is no shell script"
  expect 0 "usage: tools/$script" "$source/tools/$script" --help
done
expect 2 'usage: tools/test' "$source/tools/test" --unknown
expect 2 'no corpus "nowhere"' "$source/tools/corpus" nowhere
# A text that is there is taken as it is, when it is the right one, and else fetched: here from nowhere.
mkdir data
echo "no play of Shakespeare's" >data/tinyshakespeare.txt
for tool in curl wget; do
  printf '#!/bin/sh\nexit 1\n' >$tool
  chmod +x $tool
done
expect 1 'By hand: get ' env PATH="$work:$PATH" "$source/tools/corpus" tinyshakespeare data

# Programs in Python, where there is one; without PyTorch they still say what they do.
if command -v python3 >/dev/null; then
  expect 0 'usage: compare' python3 "$source/tools/peers/compare" --help
  expect 2 "invalid choice: 'nothing'" python3 "$source/tools/peers/compare" --peer none --only nothing
  expect 0 'usage: write.py' python3 "$source/tools/fixtures/write.py" --help
else
  echo "skipped: no python3, so tools/peers/compare and tools/fixtures/write.py were not tried"
fi

# A row of each mixer: rows by the peer's names, speeds above zero.
expect 0 'mqarL-lstm' "$peer" --help
expect 105 'nothing' "$peer" --only nothing
"$peer" --threads 1 --seconds 0 --only mqar-softmax mqar-linear mqar-retention mqar-mingru mqar-lstm >out 2>err </dev/null ||
  fail "seqbench_peer ends with $?"
for mixer in softmax linear retention mingru lstm; do
  grep -Eq "\"model\": \"mqar-$mixer\".*\"tokens_per_s\": [1-9]" out || fail "seqbench_peer has no speed of mqar-$mixer"
done

[ $failed -eq 0 ] && echo "all as expected"
exit $failed
