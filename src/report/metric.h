// Figures of a result by name, as reports and filters call them.
//
//   test.accuracy  valid.loss  test.bits_per_byte      of a split
//   best.test.accuracy  best.valid.loss  best.step     of the weights with the best validation
//   test.accuracy@256  test.exact@ignore=0.98          of a further test: eval.lengths, eval.settings
//   cost.parameters  cost.state_bytes@4096             of cost; @ the context, "@longest" the longest,
//                                                      "@task" the length of the task
//   measured time.train_seconds
#pragma once
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "report/record.h"

namespace seqbench {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();  // no figure

// Not a number when the result has no such figure.
double metric(const Record& record, const std::string& name);

// All names that some of the records have a figure for.
Texts metric_names(const std::vector<Record>& records);

// Throws Error, with the nearest name, for one that none of the records has.
void check_metric(const std::vector<Record>& records, const std::string& name);

// As people read it: shares with three decimals, bytes in KiB, MiB, ...; "-" when it is not finite.
std::string metric_text(const std::string& name, double value);

// The figure of the runs that are ok and have it, by seed.
std::map<std::string, double> metric_by_seed(const Runs& runs, const std::string& name);

// Of the seeds that both have, in one order: for a paired test.
struct AtCommonSeeds {
  std::vector<double> a = {}, b = {};
};
AtCommonSeeds at_common_seeds(const std::map<std::string, double>& a, const std::map<std::string, double>& b);

// What the figure of the runs that are ok is known to, as experiment/statistics.h takes it: 1/n of a share
// counted over n labels or sequences, 0 of others.
double step_of(const Runs& runs, const std::string& name);

bool larger_is_better(const std::string& name);

}  // namespace seqbench
