#include "experiment/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "experiment/run_lock.h"

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

// Why it failed before says more than that this could not be stored.
RunResult not_stored(const RunResult& result, const char* why) {
  if (result.status == Status::failed) return result;
  return failed(fmt::format("its result could not be stored, and its training is kept: {}", why));
}

std::optional<StoredResult> finished_result(const PlannedRun& run) {
  std::optional<StoredResult> stored = load_result(run);
  if (stored && stored->result.status == Status::failed) stored.reset();
  return stored;
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

  // Returns the runs that another process is at work on.
  std::vector<std::size_t> operator()(const std::vector<std::size_t>& runs) {
    std::atomic<std::size_t> next = 0;
    const auto job = [&] {
      for (std::size_t i = next++; i < runs.size() && !interrupted_; i = next++) run_one(runs[i]);
    };
    {
      std::vector<std::jthread> jobs;
      for (int i = 0; i < execution_.jobs; ++i) jobs.emplace_back(job);
    }
    return std::exchange(held_, {});
  }

 private:
  void run_one(std::size_t index) {
    const RunLock lock(plan_.runs[index].folder);
    if (!lock.taken()) return tell([&] { held_.push_back(index); });
    if (const auto stored = found(index)) return finish(index, *stored);
    tell([&] { observer_.started(index); });
    StoredResult stored = begun(index);
    try {
      stored.result = guarded_run(index);
    } catch (const Interrupted&) {
      return tell([&] { observer_.interrupted(index); });
    }
    try {
      save_result(plan_.runs[index], stored);
    } catch (const std::exception& error) {
      stored.result = not_stored(stored.result, error.what());
    }
    finish(index, stored);
  }

  StoredResult begun(std::size_t index) const {
    StoredResult stored{.environment = execution_.environment, .started = now()};
    stored.environment.precision = plan_.runs[index].spec.train.text("precision");
    return stored;
  }

  // What another process has stored since the plan was looked at.
  std::optional<StoredResult> found(std::size_t index) try {
    return execution_.from_start ? std::nullopt : finished_result(plan_.runs[index]);
  } catch (const std::exception& error) {
    StoredResult stored = begun(index);
    stored.result = failed(error.what());
    return stored;
  }

  void finish(std::size_t index, const StoredResult& stored) {
    results_[index] = stored;
    tell([&] { observer_.finished(index, stored); });
  }

  RunResult guarded_run(std::size_t index) try {
    const PlannedRun& planned = plan_.runs[index];
    if (execution_.from_start) forget_run(planned.folder);
    std::filesystem::create_directories(planned.folder);
    clear_leftovers(planned.folder, false);
    RunContext context;
    context.threads = execution_.environment.threads;
    context.folder = planned.folder;
    context.spec = planned.resolved.dump();
    context.gate = &gate_;
    context.interrupted = &interrupted_;
    context.progress = [&](const Progress& progress) { tell([&] { observer_.progress(index, progress); }); };
    context.resumed = [&](const Resumed& resumed) { tell([&] { observer_.resumed(index, resumed); }); };
    return run(planned.spec, context);
  } catch (const std::bad_alloc&) {
    return failed("out of memory: lower train.batch, train.lanes, model.width or --jobs.");
  } catch (const std::exception& error) {
    return failed(error.what());
  }

  template <class F>
  void tell(const F& event) {
    const std::lock_guard lock(mutex_);
    event();
  }

  const Plan& plan_;
  const Execution& execution_;
  const std::atomic<bool>& interrupted_;
  Observer& observer_;
  Results& results_;  // each element is written by the one job that took it
  std::mutex mutex_;  // of the observer and held_
  std::vector<std::size_t> held_;
  QuietGate gate_;
};

}  // namespace

Results finished_results(const Plan& plan) {
  Results results;
  for (const PlannedRun& run : plan.runs) results.push_back(finished_result(run));
  return results;
}

void clear_finished(const Plan& plan, const Results& results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    try {
      if (!results[i] || !has_leftovers(plan.runs[i].folder)) continue;
      // Another process may have begun it anew.
      const RunLock lock(plan.runs[i].folder);
      if (lock.taken() && finished_result(plan.runs[i])) clear_leftovers(plan.runs[i].folder, true);
    } catch (const std::exception&) {
      // Of results that may only be read, all that matters is there.
    }
  }
}

std::size_t execute(const Plan& plan, const Execution& execution, const std::atomic<bool>& interrupted,
                    Observer& observer, Results& results) {
  Executor executor(plan, execution, interrupted, observer, results);
  return executor(executor(execution.runs)).size();
}

}  // namespace seqbench
