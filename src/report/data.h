// Summaries for other programs.
#pragma once
#include <string>
#include <vector>

#include "report/summary.h"

namespace seqbench {

// Per group: labels, its runs and those not selected (id, file, seed, trouble: "" when ok), and mean,
// standard error, interval and number of runs of every figure of test, valid and cost; per experiment the
// paired differences. Figures that are not finite are null.
Json summaries_json(const std::vector<Summary>& summaries, const Texts& problems);

// The same figures, a line per group; a figure "x" has the columns x, x.se, x.low and x.high, with every
// digit.
std::string summaries_csv(const std::vector<Summary>& summaries);

}  // namespace seqbench
