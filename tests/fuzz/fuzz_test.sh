#!/usr/bin/env bash
# fuzz_test.sh SOURCE [SECONDS]: builds the fuzz targets and lets each look for new inputs, from its corpus on, for 4 seconds or
# as long as is said. What is found stays in build/fuzz/found; the corpora stay as they are.
set -euo pipefail
cd "$1"
seconds=${2:-4}

try=$(mktemp -d)
trap 'rm -rf "$try"' EXIT
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$try/try.cpp"
if ! clang++ -fopenmp -include omp.h -fsanitize=fuzzer,address "$try/try.cpp" -o "$try/try" 2>"$try/complaint"; then
  echo "fuzz_test.sh: skipped, no clang++ with libFuzzer and OpenMP here: tools/install clang libomp-dev" >&2
  sed 's/^/  /' "$try/complaint" | head -3 >&2
  exit 77
fi

cmake --preset fuzz >/dev/null
cmake --build --preset fuzz >"$try/build" || { cat "$try/build"; exit 1; }
mkdir -p build/fuzz/found
status=0
for corpus in tests/fuzz/corpus/*/; do
  target=$(basename "$corpus")
  mkdir "$try/$target"
  if ! build/fuzz/tests/fuzz/"fuzz_$target" "$try/$target" "$corpus" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2500 \
      -max_len=4096 -artifact_prefix="build/fuzz/found/$target-" -print_final_stats=1 >"$try/log" 2>&1; then
    status=1
    cat "$try/log"
  fi
  echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$try/log") inputs in $seconds s," \
    "$(grep -Eo 'cov: [0-9]+' "$try/log" | tail -1)"
done
exit $status
