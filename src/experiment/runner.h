// Carries out a plan: runs side by side, each stored as it ends.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiment/plan.h"
#include "experiment/store.h"
#include "train/run.h"

namespace seqbench {

// The result of each run of a plan, in its order; none where it has none (yet).
using Results = std::vector<std::optional<StoredResult>>;

// The results that are there already. A run that failed (out of memory, a full disk) is not one: it is tried
// again; nor is one that a shorter limit than `time_limit` (of a run, in seconds; 0: none) ended: it goes on;
// nor one of which more tests or measurements are asked: they are made. Throws Error for a result that cannot
// be read.
Results finished_results(const Plan& plan, double time_limit = 0);

// Removes what a kill at the wrong moment left beside those results. What cannot be removed stays.
void clear_finished(const Plan& plan, const Results& results);

// Told how runs go, by one thread at a time.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void started(std::size_t run) = 0;
  virtual void resumed(std::size_t run, const Resumed& resumed) = 0;
  virtual void progress(std::size_t run, const Progress& progress) = 0;
  virtual void finished(std::size_t run, const StoredResult& stored) = 0;
  virtual void interrupted(std::size_t run) = 0;
};

struct Execution {
  std::vector<std::size_t> runs;  // indices into the plan, in the order they are to start
  int jobs = 1;                   // runs at a time
  bool from_start = false;        // forget checkpoints
  double time_limit = 0;          // of each run, in seconds: RunContext
  std::int64_t memory = 0;        // bytes for all runs together; 0: what is available
  Environment environment;        // its `threads` are the workers of each run
};

// Runs by index that another process is at work on, and what is known of it: RunLock::holder().
using HeldRuns = std::map<std::size_t, std::string>;

// Runs `execution.runs` of the plan and fills their results in. What goes wrong in a run ends as that run's
// status `failed`, and its time limit as `timeout`; the others go on. Once `stop` asks for it, running runs
// stop within a second or so, keep their state on disk and have no result, and no further one starts. Runs
// that another process is at work on are tried again after the others: what it has finished by then is taken
// from it, unless `from_start`. What it still is at work on has no result, and is returned.
HeldRuns execute(const Plan& plan, const Execution& execution, const Stop& stop, Observer& observer,
                 Results& results);

}  // namespace seqbench
