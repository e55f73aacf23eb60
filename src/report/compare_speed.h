// Whether new runs are as fast as earlier ones, on whatever machine each ran.
#pragma once
#include <string>
#include <vector>

#include "report/compare.h"

namespace seqbench {

// Training, and prefill and decoding at the longest context; rows for what both sides have timings of. A
// timing counts as a share of the machine's own rate beside it; the interval is a bootstrap over the runs and
// the timings within each. Leaves the names of the rows empty.
std::vector<Compared> compare_speeds(const Runs& base, const Runs& fresh, double margin);

// Whether some run was timed at all.
bool has_speed(const Runs& runs);

// How many runs more would make an interval narrow enough, in words, from its half width with `runs`.
std::string more_needed(double half_width, double wanted, std::size_t runs);

}  // namespace seqbench
