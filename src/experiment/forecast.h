// What `run --dry-run` prints.
#pragma once
#include <string>

#include "experiment/runner.h"

namespace seqbench {

// One line for each of `runs` (indices into the plan): parameters, FLOPs and estimated time of training. Runs
// that differ only in seed and learning rate are timed once. `finished` runs cost nothing; of one that was
// interrupted, the estimate is that of the whole run.
std::string forecast_text(const Plan& plan, const std::vector<std::size_t>& runs, const Results& finished,
                          int jobs, int threads);

}  // namespace seqbench
