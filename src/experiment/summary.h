// Runs put together for the final table: seeds into one row, and the best of what `select` goes over.
#pragma once
#include <string>
#include <vector>

#include "experiment/plan.h"
#include "experiment/runner.h"

namespace seqbench {

// The runs of an experiment that differ only in seed.
struct Group {
  std::vector<std::size_t> values;     // index into the values of each axis; 0 for "seed"
  std::vector<std::size_t> runs = {};  // indices into the plan
  std::vector<const StoredResult*> ok = {};

  // `get` of each run that is ok.
  template <class F>
  std::vector<double> all(const F& get) const {
    std::vector<double> values_of_runs;
    for (const StoredResult* stored : ok) values_of_runs.push_back(get(stored->result));
    return values_of_runs;
  }
};

// In the order of the grid. The groups point into `results`.
std::vector<Group> groups_of(const Experiment& experiment, const Results& results);

// The group that select.by likes best among those which differ only in select.over, for each of them: first
// the most runs that are ok, then the best mean over those, then the first. All of `groups` when nothing is
// selected.
std::vector<Group> selected(const Experiment& experiment, const std::vector<Group>& groups);

}  // namespace seqbench
