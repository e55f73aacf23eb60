// Speed of mechanisms by themselves, by Google Benchmark: forward, train (forward and backward), prefill and
// decode, on one thread.
#pragma once
#include <cstdint>
#include <vector>

#include "base/options.h"
#include "model/spec.h"

namespace seqbench {

struct BenchPlan {
  std::vector<MixerSpec> mixers = {};
  Integers lengths = {256, 1024, 4096};
  std::int64_t width = 64;
  std::int64_t batch = 1;
  Texts flags = {};  // Google Benchmark's own: "--benchmark_filter=decode"
};

// Prints a line a benchmark: NAME/what/length, its time, tokens/s, and GFLOP/s or the bytes of the state.
// Throws Error before anything ran for options that do not fit and for flags that Google Benchmark does not
// know.
void run_benchmarks(const BenchPlan& plan);

}  // namespace seqbench
