#include "experiment/runner.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/machine.h"
#include "experiment/extension.h"
#include "experiment/memory_share.h"
#include "experiment/run_files.h"
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

bool is_over(const RunResult& result, double time_limit) {
  if (result.status == Status::timeout) return time_limit > 0 && result.total_seconds >= time_limit;
  return result.status != Status::failed;
}

std::optional<StoredResult> finished_result(const PlannedRun& run, double time_limit) {
  std::optional<StoredResult> stored = load_result(run);
  if (stored && !is_over(stored->result, time_limit)) stored.reset();
  return stored;
}

class Executor {
 public:
  Executor(const Plan& plan, const Execution& execution, const Stop& stop, Observer& observer,
           Results& results)
      : plan_(plan),
        execution_(execution),
        stop_(stop),
        observer_(observer),
        results_(results),
        memory_(execution.memory > 0 ? execution.memory : available_memory()) {}

  // Returns the runs that another process is at work on, and who.
  HeldRuns operator()(const std::vector<std::size_t>& runs) {
    std::atomic<std::size_t> next = 0;
    const auto job = [&] {
      for (std::size_t i = next++; i < runs.size() && !stop_.asked(); i = next++) run_one(runs[i]);
    };
    {
      std::vector<std::jthread> jobs;
      const std::size_t count = std::min(static_cast<std::size_t>(execution_.jobs), runs.size());
      for (std::size_t i = 0; i < count; ++i) jobs.emplace_back(job);
    }
    return std::exchange(held_, {});
  }

 private:
  void run_one(std::size_t index) try {
    const RunLock lock(plan_.runs[index].folder);
    if (!lock.taken()) return tell([&] { held_.emplace(index, lock.holder()); });
    run_locked(index);
  } catch (const std::exception& error) {
    StoredResult stored = begun(index);
    stored.result = failed(error.what());
    finish(index, stored);
  }

  void run_locked(std::size_t index) {
    const Found there = found(index);
    if (there.result && !there.more) return finish(index, *there.result);
    const PlannedRun& planned = there.more ? there.more->run : plan_.runs[index];
    tell([&] { observer_.started(index); });
    StoredResult stored = begun(index);
    stored.spec = planned.resolved;
    try {
      work_on(index, planned, there.more, stored);
    } catch (const Interrupted&) {
      return tell([&] { observer_.interrupted(index); });
    }
    try {
      save_result(planned, stored);
    } catch (const std::exception& error) {
      stored.result = not_stored(stored.result, error.what());
    }
    finish(index, stored);
  }

  void work_on(std::size_t index, const PlannedRun& planned, const std::optional<Extension>& more,
               StoredResult& stored) {
    // Where the model is gone, it is trained again.
    if (!more || !has_models(planned.folder, more->stored.result)) {
      stored.result =
          guarded(index, planned, [&](const RunContext& context) { return run(planned.spec, context); });
      return;
    }
    const StoredResult& before = more->stored;
    stored.started = before.started;
    // Speeds are those of the machine and the build that measured them.
    const bool timed = before.result.cost.state_bytes.empty() && planned.spec.measure.flag("speed");
    if (!timed) stored.environment = before.environment;
    stored.result = guarded(index, planned, [&](const RunContext& context) {
      return extend(planned.spec, context, before.result);
    });
  }

  StoredResult begun(std::size_t index) const {
    StoredResult stored{.environment = execution_.environment, .started = now()};
    stored.environment.precision = plan_.runs[index].spec.train.text("precision");
    return stored;
  }

  struct Found {
    std::optional<StoredResult> result = {};
    std::optional<Extension> more = {};
  };

  // What there is by now: another process may have stored it since the plan was looked at.
  Found found(std::size_t index) const {
    if (execution_.from_start) return {};
    Found found{.result = finished_result(plan_.runs[index], execution_.time_limit)};
    if (found.result) found.more = extension_of(plan_.runs[index], *found.result);
    return found;
  }

  void finish(std::size_t index, const StoredResult& stored) {
    results_[index] = stored;
    tell([&] { observer_.finished(index, stored); });
  }

  template <class Work>
  RunResult guarded(std::size_t index, const PlannedRun& planned, const Work& work) try {
    if (execution_.from_start) forget_run(planned.folder);
    refuse_foreign_files(planned.folder);
    std::filesystem::create_directories(planned.folder);
    clear_leftovers(planned.folder, false);
    RunContext context;
    context.threads = execution_.environment.threads;
    context.folder = planned.folder;
    context.spec = planned.resolved.dump();
    context.gate = &gate_;
    context.stop = stop_;
    context.time_limit = execution_.time_limit;
    context.progress = [&](const Progress& progress) { tell([&] { observer_.progress(index, progress); }); };
    context.resumed = [&](const Resumed& resumed) { tell([&] { observer_.resumed(index, resumed); }); };
    MemoryShare::Part part(memory_);
    context.admit = [&](const MemoryNeed& need) { part.take(need, stop_); };
    return work(context);
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
  Stop stop_;
  Observer& observer_;
  Results& results_;  // each element is written by the one job that took it
  std::mutex mutex_;  // of the observer and held_
  HeldRuns held_;
  QuietGate gate_;
  MemoryShare memory_;
};

}  // namespace

Results finished_results(const Plan& plan, double time_limit) {
  Results results;
  for (const PlannedRun& run : plan.runs) {
    results.push_back(finished_result(run, time_limit));
    if (results.back() && extension_of(run, *results.back())) results.back().reset();
  }
  return results;
}

void clear_finished(const Plan& plan, const Results& results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    try {
      const PlannedRun& run = plan.runs[i];
      if (!results[i] || can_go_on(results[i]->result.status)) continue;
      if (!has_leftovers(run.folder) && !has_lock_file(run.folder)) continue;
      // Another process may have begun it anew.
      const RunLock lock(run.folder);
      if (lock.taken() && finished_result(run, 0)) clear_leftovers(run.folder, true);
    } catch (const std::exception&) {
      // Of results that may only be read, all that matters is there.
    }
  }
}

HeldRuns execute(const Plan& plan, const Execution& execution, const Stop& stop, Observer& observer,
                 Results& results) {
  Executor executor(plan, execution, stop, observer, results);
  std::vector<std::size_t> again;
  for (const auto& [run, holder] : executor(execution.runs)) again.push_back(run);
  return executor(again);
}

}  // namespace seqbench
