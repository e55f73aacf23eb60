# traces DIR: what the runs of a folder must give again, bit for bit: curves, weights and results but for times.
traces() {
  for run in "$1"/*/*; do
    basename "$run"
    cksum <"$run/curve.jsonl"
    cksum <"$run/model.safetensors"
    [ ! -e "$run/best.safetensors" ] || cksum <"$run/best.safetensors"
    sed -n '/^  "best"/,/^  }/p; /^  "metrics"/,/^  }/p; /^  "status"/p; /^  "steps"/p; /^  "message"/p' "$run/result.json"
  done
}
