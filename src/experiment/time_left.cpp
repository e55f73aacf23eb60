#include "experiment/time_left.h"

namespace seqbench {

TimeLeft::TimeLeft(const std::vector<std::size_t>& runs, const std::vector<double>& weights) {
  for (const std::size_t run : runs) runs_[run].weight = weights[run];
}

void TimeLeft::reached(std::size_t run, double share) {
  Run& reached = runs_.at(run);
  if (!reached.from) reached.from = share;
  reached.to = share;
}

void TimeLeft::ended(std::size_t run) {
  Run& ended = runs_.at(run);
  if (!ended.from) ended.from = 0;
  ended.to = 1;
}

std::optional<double> TimeLeft::seconds(double elapsed) const {
  double done = 0, left = 0;
  for (const auto& [index, run] : runs_) {
    done += run.weight * (run.to - run.from.value_or(0));
    left += run.weight * (1 - run.to);
  }
  if (done <= 0) return std::nullopt;
  return elapsed / done * left;
}

}  // namespace seqbench
