#include "experiment/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>

namespace seqbench {
namespace {

std::string now() {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

RunResult failed(const std::string& message) {
  RunResult result;
  result.status = Status::failed;
  result.message = message;
  return result;
}

class Executor {
 public:
  Executor(const Plan& plan, const Execution& execution, const std::atomic<bool>& interrupted,
           Observer& observer, Results& results)
      : plan_(plan),
        execution_(execution),
        interrupted_(interrupted),
        observer_(observer),
        results_(results) {}

  // What one job does: takes the next run until there is none.
  void work() {
    for (std::size_t i = next_++; i < execution_.runs.size() && !interrupted_; i = next_++)
      run_one(execution_.runs[i]);
  }

 private:
  void run_one(std::size_t index) {
    tell([&] { observer_.started(index); });
    StoredResult stored{.environment = execution_.environment, .started = now()};
    stored.environment.precision = plan_.runs[index].spec.train.text("precision");
    try {
      stored.result = guarded_run(index);
    } catch (const Interrupted&) {
      return tell([&] { observer_.interrupted(index); });
    }
    try {
      save_result(plan_.runs[index], stored);
    } catch (const std::exception& error) {
      stored.result.status = Status::failed;
      stored.result.message = fmt::format("the result could not be stored: {}", error.what());
    }
    results_[index] = stored;
    tell([&] { observer_.finished(index, stored); });
  }

  RunResult guarded_run(std::size_t index) try {
    const PlannedRun& planned = plan_.runs[index];
    if (execution_.from_start) forget_run(planned.folder);
    std::filesystem::create_directories(planned.folder);
    RunContext context;
    context.threads = execution_.environment.threads;
    context.folder = planned.folder;
    context.spec = planned.resolved.dump();
    context.gate = &gate_;
    context.interrupted = &interrupted_;
    context.progress = [&](const Progress& progress) { tell([&] { observer_.progress(index, progress); }); };
    return run(planned.spec, context);
  } catch (const std::bad_alloc&) {
    return failed("out of memory: lower train.batch, train.lanes, model.width or --jobs.");
  } catch (const std::exception& error) {
    return failed(error.what());
  }

  template <class F>
  void tell(const F& event) {
    const std::lock_guard lock(observer_mutex_);
    event();
  }

  const Plan& plan_;
  const Execution& execution_;
  const std::atomic<bool>& interrupted_;
  Observer& observer_;
  Results& results_;  // each element is written by the one job that took it
  std::mutex observer_mutex_;
  QuietGate gate_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

Results finished_results(const Plan& plan) {
  Results results;
  for (const PlannedRun& run : plan.runs) {
    results.push_back(load_result(run));
    if (results.back() && results.back()->result.status == Status::failed) results.back().reset();
  }
  return results;
}

void execute(const Plan& plan, const Execution& execution, const std::atomic<bool>& interrupted,
             Observer& observer, Results& results) {
  Executor executor(plan, execution, interrupted, observer, results);
  std::vector<std::jthread> jobs;
  jobs.reserve(static_cast<std::size_t>(execution.jobs));
  for (int i = 0; i < execution.jobs; ++i) jobs.emplace_back([&] { executor.work(); });
}

}  // namespace seqbench
