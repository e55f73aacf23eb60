// More tests and measurements of a run that has finished: they need no further training.
#pragma once
#include <optional>

#include "experiment/plan.h"
#include "experiment/store.h"

namespace seqbench {

// A finished run of which its spec now asks more.
struct Extension {
  PlannedRun run;       // asks for what is there besides, so that nothing is lost
  StoredResult stored;  // without what has to be done again, or has not been done yet
};

// None when `stored` has all tests and measurements that `run` asks for, or has not ended well. Further
// lengths, settings and contexts are added to those there. With another eval.examples every test is made
// again, and when speeds are to be measured all are, together. Throws Error for tests there that do not fit.
std::optional<Extension> extension_of(const PlannedRun& run, const StoredResult& stored);

// Whether the weights of a run that ended well, the last and the best, are in its folder.
bool has_models(const std::filesystem::path& folder, const RunResult& result);

// Whether more tests and measurements of the run need its kept model alone.
bool is_trained(const PlannedRun& run);

}  // namespace seqbench
