// The tables that `run` ends with.
#pragma once
#include <string>

#include "experiment/runner.h"

namespace seqbench {

// One table per experiment, each with the footnotes that say what its numbers mean. Runs that did not end
// well, and those that have not run, have lines of their own.
std::string results_text(const Plan& plan, const Results& results);

}  // namespace seqbench
