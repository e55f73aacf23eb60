#include "cli/bench_command.h"

#include "bench/bench.h"
#include "cli/output.h"
#include "experiment/spec.h"
#include "mechanism/mechanism.h"

namespace seqbench {

int bench_command(const BenchArguments& arguments) {
  BenchPlan plan{.lengths = arguments.lengths,
                 .width = arguments.width,
                 .batch = arguments.batch,
                 .flags = arguments.flags};
  for (const std::string& mixer : arguments.mixers) plan.mixers.push_back(parse_mixer(mixer, "bench"));
  if (plan.mixers.empty()) {
    for (const MechanismEntry& entry : mechanisms().all()) {
      plan.mixers.push_back(parse_mixer(entry.name, "bench"));
    }
  }
  const CoutAsText cout;  // Google Benchmark writes to it
  run_benchmarks(plan);
  return 0;
}

}  // namespace seqbench
