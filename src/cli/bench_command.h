#pragma once
#include <cstdint>

#include "base/options.h"

namespace seqbench {

struct BenchArguments {
  Texts mixers;  // names, or JSON objects as a spec's model.mixer; none: every mechanism
  Integers lengths = {256, 1024, 4096};
  std::int64_t width = 64;
  std::int64_t batch = 1;
  Texts flags;  // Google Benchmark's
};

// `seqbench bench`; returns the exit status. Throws Error before anything has run.
int bench_command(const BenchArguments& arguments);

}  // namespace seqbench
