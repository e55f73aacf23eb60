// The machine and build that a result was measured on.
#pragma once
#include <limits>
#include <string>

#include "base/options.h"
#include "experiment/json_part.h"

namespace seqbench {

struct Environment {
  std::string commit;  // of the sources; "+" at its end when they had changes
  std::string version;
  std::string compiler;
  std::string cpu;
  Texts isa;            // the instruction sets that matter to the kernels
  std::string kernels;  // Highway's target for this CPU
  std::string onednn;   // version and instruction set
  int cores = 0;        // that this process may use
  int threads = 0;      // workers of a run
  std::string precision = "f32";
  // Of `threads` threads: train/machine_rate.h. Not a number where nothing was to be timed.
  double gemm_gflops = std::numeric_limits<double>::quiet_NaN();
  double bandwidth_gbs = std::numeric_limits<double>::quiet_NaN();
};

// "0.1.0 (3f2a91c0d4e5)"
std::string version_text();

// With `rates`, measures both on `threads` threads: medians of several repeats, in under half a second.
Environment measure_environment(int threads, bool rates);

Json json_of(const Environment& environment);
// Throws Error for a key that is missing or of another type.
Environment environment_of(const JsonPart& json);

// The instruction set of the kernels: "AVX3_ZEN4", "AVX2", ...
std::string best_kernels();

}  // namespace seqbench
