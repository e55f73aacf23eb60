// What runs will cost, each configuration timed once.
#pragma once
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "experiment/plan.h"
#include "train/run.h"

namespace seqbench {

class Estimates {
 public:
  explicit Estimates(int threads) : threads_(threads) {}
  // Runs that differ only in seed and learning rate share one.
  const Estimate& of(const PlannedRun& run);

 private:
  int threads_;
  std::map<std::string, Estimate> known_;
};

// Which part of a plan a process takes. The runs are dealt out one by one, configuration after configuration,
// so that the runs of each, which take alike long, are spread, and no two parts differ by more than one run.
struct Shard {
  std::size_t part = 1;
  std::size_t of = 1;
};
// "2/4". Throws Error for anything but i/n with 1 <= i <= n.
Shard parse_shard(const std::string& text);
// The part, from 1 to `of`, that each run of a plan belongs to: the same on every machine, whatever is
// finished.
std::vector<std::size_t> parts_of(const Plan& plan, std::size_t of);
// In the order of the plan.
std::vector<std::size_t> runs_of(const Plan& plan, const Shard& shard);

// How long each of `runs` trains, at its index in the plan: in seconds, 0 where that cannot be timed, or 1
// where all are alike, of which nothing is timed. Once `interrupted` is set no further one is timed.
std::vector<double> weights_of(const Plan& plan, const std::vector<std::size_t>& runs, int threads,
                               const std::atomic<bool>& interrupted);
// Side by side, the longest runs start first, so that none is left for the end.
std::vector<std::size_t> longest_first(std::vector<std::size_t> runs, const std::vector<double>& weights);

}  // namespace seqbench
