#include "cli/run_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>

#include "base/error.h"
#include "cli/app.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "experiment/duration.h"
#include "experiment/estimates.h"
#include "experiment/forecast.h"
#include "experiment/plan.h"
#include "experiment/runner.h"
#include "experiment/slurm.h"
#include "report/tables.h"

namespace seqbench {
namespace {

std::vector<std::size_t> missing_of(const std::vector<std::size_t>& runs, const Results& results) {
  std::vector<std::size_t> missing;
  std::ranges::copy_if(runs, std::back_inserter(missing), [&](std::size_t run) { return !results[run]; });
  return missing;
}

bool all_ok(const std::vector<std::size_t>& runs, const Results& results) {
  return std::ranges::all_of(
      runs, [&](std::size_t run) { return results[run] && results[run]->result.status == Status::ok; });
}

// 0 for a limit that is not given.
double seconds_of(const char* option, const std::string& text) {
  return text.empty() ? 0 : parse_duration(option, text);
}

Stop stop_after(double seconds) {
  if (seconds <= 0) return interrupt_flag();
  const auto limit =
      std::chrono::duration_cast<Stop::Clock::duration>(std::chrono::duration<double>(seconds));
  return {interrupt_flag(), Stop::Clock::now() + limit};
}

int threads_of_a_run(const RunArguments& arguments) {
  return std::max(1, arguments.threads / arguments.jobs);
}

// Timing every configuration takes its while: it serves the order, where some runs wait for others, and the
// time left.
bool needs_weights(const RunArguments& arguments, std::size_t runs) {
  const bool order_matters = arguments.jobs > 1 && runs > static_cast<std::size_t>(arguments.jobs);
  return order_matters || !arguments.quiet;
}

// Returns the runs that another process is at work on.
HeldRuns execute_runs(const RunArguments& arguments, const Plan& plan, std::vector<std::size_t> runs,
                      const Stop& stop, Results& results) {
  const int threads = threads_of_a_run(arguments);
  const std::vector<double> weights = needs_weights(arguments, runs.size())
                                          ? weights_of(plan, runs, threads, stop)
                                          : std::vector<double>(plan.runs.size(), 1);
  if (arguments.jobs > 1) runs = longest_first(std::move(runs), weights);
  const bool rates =
      std::ranges::any_of(runs, [&](std::size_t run) { return plan.runs[run].spec.measure.flag("speed"); });
  ProgressDisplay progress(plan, {runs, weights}, runs.size(), arguments.quiet);
  const Execution execution = {.runs = std::move(runs),
                               .jobs = arguments.jobs,
                               .from_start = arguments.force,
                               .time_limit = seconds_of("--run-time-limit", arguments.run_time_limit),
                               .environment = measure_environment(threads, rates)};
  return execute(plan, execution, stop, progress, results);
}

// Where the results are, and what to do with them.
std::string next_step_text(const Plan& plan) {
  std::set<std::string> folders;
  for (const PlannedRun& run : plan.runs) folders.insert(run.folder.parent_path().string());
  const std::string all = fmt::format("{}", fmt::join(folders, " "));
  return fmt::format("results are in {}; \"seqbench report {}\" shows them again, and \"seqbench ls {}\" lists the runs\n",
                     all, all, all);
}

SlurmArray slurm_array(const RunArguments& arguments, SlurmTasks tasks) {
  return {.program = std::filesystem::read_symlink("/proc/self/exe").string(),
          .specs = arguments.specs,
          .sets = arguments.sets,
          .out = std::filesystem::absolute(arguments.out).string(),
          .folder = std::filesystem::current_path().string(),
          .threads = arguments.threads,
          .time_limit = seconds_of("--time-limit", arguments.time_limit),
          .run_time_limit = arguments.run_time_limit,
          .tasks = std::move(tasks)};
}

int write_script(const RunArguments& arguments, const Plan& plan, const std::vector<std::size_t>& to_do) {
  fail_if(arguments.jobs > 1,
          "--slurm: expected --jobs 1, got {}: a task does one run at a time, on as many threads as "
          "--threads says.",
          arguments.jobs);
  const SlurmArray array = slurm_array(arguments, slurm_tasks(plan, to_do));
  write_slurm_script(arguments.slurm, array);
  return print_beside(
      arguments.slurm,
      fmt::format("sbatch {} starts {} tasks; then the same command without --slurm prints the table.\n",
                  arguments.slurm, array.tasks.parts.size()));
}

}  // namespace

int run_command(const RunArguments& arguments) {
  const Stop stop = stop_after(seconds_of("--time-limit", arguments.time_limit));
  const double run_limit = seconds_of("--run-time-limit", arguments.run_time_limit);
  const Plan plan =
      make_plan({arguments.specs.begin(), arguments.specs.end()}, arguments.sets, arguments.out);
  Results results = arguments.force ? Results(plan.runs.size()) : finished_results(plan, run_limit);
  const std::vector<std::size_t> runs = runs_of(plan, parse_shard(arguments.shard));
  if (arguments.dry_run) {
    forecast(plan, runs, results, {.jobs = arguments.jobs, .threads = threads_of_a_run(arguments)},
             [](const std::string& text) { print_at_once(text); });
    return kDone;
  }
  const std::vector<std::size_t> to_do = missing_of(runs, results);
  if (!arguments.slurm.empty()) return write_script(arguments, plan, to_do);
  clear_finished(plan, results);
  if (to_do.size() < runs.size() && !arguments.quiet) {
    print_error(fmt::format("{} of {} runs are finished already and skipped\n", runs.size() - to_do.size(),
                            runs.size()));
  }
  HeldRuns held;
  if (!to_do.empty()) {
    prepare_folders(plan);
    catch_interrupts();
    held = execute_runs(arguments, plan, to_do, stop, results);
  }
  const std::size_t missing = missing_of(runs, results).size();
  if (std::ranges::any_of(results, [](const auto& stored) { return stored.has_value(); }))
    print_text(results_text(plan, results));
  const char* how = arguments.force ? " (without --force)" : "";
  for (const auto& [run, holder] : held)
    print_error(fmt::format("seqbench: {}: {}.\n", plan.runs[run].folder.string(), holder));
  if (missing > held.size()) {
    const std::string why =
        interrupt_flag() ? "interrupted" : fmt::format("--time-limit {} is over", arguments.time_limit);
    print_error(
        fmt::format("seqbench: {}, {} of {} runs not finished. The same command goes on from here{}.\n", why,
                    missing, runs.size(), how));
    return kInterrupted;
  }
  if (!held.empty()) {
    print_error(
        fmt::format("seqbench: another process is at work on {} of {} runs. The same command shows them when "
                    "they are done{}.\n",
                    held.size(), runs.size(), how));
    return kFailed;
  }
  if (!arguments.quiet) print_error(next_step_text(plan));
  return all_ok(runs, results) ? kDone : kFailed;
}

}  // namespace seqbench
