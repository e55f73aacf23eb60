// Which mechanisms differ by more than their seeds do.
#pragma once
#include <string>
#include <vector>

#include "experiment/statistics.h"
#include "experiment/table.h"
#include "report/summary.h"

namespace seqbench {

struct Pair {
  const Group* a = nullptr;
  const Group* b = nullptr;
  std::size_t seeds = 0;  // that both have
  Comparison difference;  // of `metric`, b - a, paired by seed
  double p = 1;           // after Holm's correction over all pairs of the summary
};

// Of all pairs of groups of the same task, at the same settings, that share at least two seeds.
std::vector<Pair> pairs_of(const Summary& summary, const std::string& metric);

// The differences, row minus column, marked where p is below 0.05, and what they are. No rows when there are
// more groups than a table can show (12); nothing at all when there is no pair.
struct Differences {
  Table table = {};
  std::string note = {};
};
Differences differences_of(const Summary& summary, const std::string& metric);

}  // namespace seqbench
