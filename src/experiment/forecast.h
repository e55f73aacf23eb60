// What `run --dry-run` prints.
#pragma once
#include <functional>
#include <string>

#include "experiment/runner.h"

namespace seqbench {

struct ForecastSetting {
  int jobs = 1;
  int threads = 1;    // of a run
  double limit = 20;  // seconds to price configurations in
};

// Tells `print` of the plan first, and then, as each is known, of every configuration of `runs` (indices into
// the plan): FLOPs, memory, and the time of training, validation, tests and measuring. Runs that differ only
// in seed and learning rate are one configuration. `finished` runs cost nothing; of one that was interrupted,
// the price is that of the whole run. What does not fit into memory is named. Throws what `stop` throws.
void forecast(const Plan& plan, const std::vector<std::size_t>& runs, const Results& finished,
              const ForecastSetting& setting, const std::function<void(const std::string&)>& print);

}  // namespace seqbench
