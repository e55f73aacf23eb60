// How long a grid still takes, by how fast its runs went so far.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace seqbench {

class TimeLeft {
 public:
  // `weights[run]`: how long a run takes, in any unit, of those among `runs`.
  TimeLeft(const std::vector<std::size_t>& runs, const std::vector<double>& weights);
  // `share`, 0 to 1, of a run is behind it. What was at its first report, an earlier process did.
  void reached(std::size_t run, double share);
  void ended(std::size_t run);
  // After `elapsed` seconds of work; none before there is anything to go by.
  std::optional<double> seconds(double elapsed) const;

 private:
  struct Run {
    double weight = 0;
    std::optional<double> from = {};
    double to = 0;
  };
  std::map<std::size_t, Run> runs_;
};

}  // namespace seqbench
