// Whether new runs are as fast as earlier ones, on whatever machine each ran.
#pragma once
#include "report/compare.h"

namespace seqbench {

struct SpeedComparison {
  std::vector<Compared> rows;  // without their names
  Texts problems;              // what was timed and is not compared, and why
};

// Training, where both sides ran on as many threads, and prefill and decoding at the longest context that
// both have timings of. A timing counts as a share of the machine's own rate beside it; the interval is a
// bootstrap over the runs and the timings within each. It takes three runs on each side to tell; failed ones
// do not count. `margin` is a share of the speed.
SpeedComparison compare_speeds(const Runs& base, const Runs& fresh, double margin);

}  // namespace seqbench
