#include "experiment/forecast.h"

#include <fmt/format.h>

#include "experiment/estimates.h"
#include "experiment/format.h"
#include "experiment/table.h"

namespace seqbench {
namespace {

// Of all steps of training, when none stops early.
double training_flops(const PlannedRun& run, const Estimate& estimate) {
  const auto steps = static_cast<double>(run.spec.train.integer("steps"));
  return estimate.flops_per_token * estimate.tokens_per_step * steps;
}

}  // namespace

std::string forecast_text(const Plan& plan, const std::vector<std::size_t>& runs, const Results& finished,
                          int jobs, int threads) {
  Table table;
  table.add_column("run", Align::left);
  for (const char* header : {"parameters", "train FLOPs\n/token", "train FLOPs", "time", "state"}) {
    table.add_column(header, Align::right);
  }
  Estimates estimates(threads);
  double seconds = 0;
  std::size_t left = 0;
  for (const std::size_t i : runs) {
    const PlannedRun& run = plan.runs[i];
    const Estimate& estimate = estimates.of(run);
    const bool done = finished[i].has_value();
    const bool begun = std::filesystem::exists(run.folder / "checkpoint.safetensors");
    seconds += done ? 0 : estimate.seconds;
    left += done ? 0 : 1;
    table.add_row({run.experiment + "/" + run.id, short_number(static_cast<double>(estimate.parameters)),
                   short_number(estimate.flops_per_token), short_number(training_flops(run, estimate)),
                   done ? "-" : short_duration(estimate.seconds),
                   done ? "finished" : (begun ? "begun" : "new")});
  }
  return table.text() +
         fmt::format(
             "{} of {} runs to do, about {} of training with {} at a time on {} thread{} each; "
             "evaluation and measuring come on top.\n",
             left, runs.size(), short_duration(seconds / jobs), jobs, threads, threads == 1 ? "" : "s");
}

}  // namespace seqbench
