// What runs will cost, each configuration timed once.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "experiment/plan.h"
#include "train/price.h"

namespace seqbench {

// Runs that differ only in seed and learning rate are one configuration, in the order of their first runs.
std::vector<std::vector<std::size_t>> configurations_of(const Plan& plan,
                                                        const std::vector<std::size_t>& runs);

// Prices configurations until its time is over, and the others in proportion to rough_work().
class Pricer {
 public:
  // Each of a configuration's timings takes `effort` seconds, all together about `limit`.
  Pricer(int threads, double effort, double limit, const Stop& stop);
  struct Priced {
    Price price;
    bool timed = true;  // false: in proportion
  };
  // Throws Interrupted, and Error or std::bad_alloc where the run could not start either.
  Priced of(const RunSpec& spec);
  bool is_over() const { return over_; }

 private:
  Price in_proportion(const RunSpec& spec) const;

  int threads_;
  double effort_;
  Stop stop_;
  bool over_ = false;
  Price sum_;  // of what was timed
  double work_ = 0;
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

// How long each of `runs` takes, at its index in the plan: in seconds, 0 where that cannot be timed, or 1
// where all are alike, of which nothing is timed. Takes ten seconds or so; once `stop` asks for it no further
// one is timed.
std::vector<double> weights_of(const Plan& plan, const std::vector<std::size_t>& runs, int threads,
                               const Stop& stop);
// Side by side, the longest runs start first, so that none is left for the end.
std::vector<std::size_t> longest_first(std::vector<std::size_t> runs, const std::vector<double>& weights);

}  // namespace seqbench
