#include "cli/run_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/app.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "experiment/forecast.h"
#include "experiment/plan.h"
#include "experiment/runner.h"
#include "report/tables.h"

namespace seqbench {
namespace {

std::int64_t count_missing(const Results& results) {
  return std::ranges::count_if(results, [](const auto& stored) { return !stored; });
}

bool all_ok(const Results& results) {
  return std::ranges::all_of(
      results, [](const auto& stored) { return stored && stored->result.status == Status::ok; });
}

int threads_of_a_run(const RunArguments& arguments) {
  return std::max(1, arguments.threads / arguments.jobs);
}

void execute_missing(const RunArguments& arguments, const Plan& plan, Results& results) {
  const Execution execution = {.jobs = arguments.jobs,
                               .from_start = arguments.force,
                               .environment = measure_environment(threads_of_a_run(arguments))};
  ProgressDisplay progress(plan, arguments.quiet);
  execute(plan, execution, interrupt_flag(), progress, results);
}

}  // namespace

int run_command(const RunArguments& arguments) {
  const Plan plan =
      make_plan({arguments.specs.begin(), arguments.specs.end()}, arguments.sets, arguments.out);
  Results results = arguments.force ? Results(plan.runs.size()) : finished_results(plan);
  if (arguments.dry_run) {
    return print_text(forecast_text(plan, results, arguments.jobs, threads_of_a_run(arguments)));
  }
  const auto finished = std::ssize(results) - count_missing(results);
  if (finished > 0 && !arguments.quiet) {
    print_error(fmt::format("{} of {} runs are finished already and skipped\n", finished, results.size()));
  }
  if (count_missing(results) > 0) {
    prepare_folders(plan);
    catch_interrupts();
    execute_missing(arguments, plan, results);
  }
  const std::int64_t missing = count_missing(results);
  if (missing < std::ssize(results)) print_text(results_text(plan, results));
  if (missing > 0) {
    print_error(fmt::format(
        "seqbench: interrupted, {} of {} runs not finished. The same command goes on from here{}.\n", missing,
        results.size(), arguments.force ? " (without --force)" : ""));
    return kInterrupted;
  }
  return all_ok(results) ? kDone : kFailed;
}

}  // namespace seqbench
