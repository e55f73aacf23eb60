// What the figures of a summary are made with.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "report/figures.h"
#include "report/plot.h"

namespace seqbench {

// What a summary is scored by, as its table is: sources of known entropy by the loss above it (that of
// different seeds differs by more than models do), text by loss, all else by accuracy.
struct Score {
  bool loss = false;
  bool excess = false;  // with `loss`
  std::string name() const { return excess ? "excess" : loss ? "loss" : "accuracy"; }
  std::string title() const { return excess ? "Loss above the source" : loss ? "Loss" : "Accuracy"; }
  // "test accuracy"
  std::string label(const std::string& split) const;
  // What the source has of the loss on these examples; 0 where that is not taken off.
  double floor(const Metrics& metrics) const { return excess ? metrics.loss - *metrics.excess : 0; }
  double of(const Metrics& metrics) const { return loss ? metrics.loss - floor(metrics) : metrics.accuracy; }
  // Of a slice of `whole`.
  double of(const Metrics::SliceMetrics& slice, const Metrics& whole) const {
    return loss ? slice.loss - floor(whole) : slice.accuracy;
  }
};
Score score_of(const Summary& summary);

// Six of them; "" when it is not finite.
std::string digits(double value);

// Values of the runs of a group at each x.
using Columns = std::map<double, std::vector<double>>;

// The columns of a figure's data: series, x, y, lowest, highest, runs.
Table data_table(const Plot& plot);

// Accuracy's axis from 0 to 1, and its chance where all of the summary has the same.
void add_chance(Plot& plot, const Summary& summary, const Score& score);

// One line per group through `columns_of` it; nothing when no line has two points.
void add_lines(std::vector<Figure>& figures, const std::string& name, const std::string& caption,
               const Summary& summary, Plot plot, const std::function<Columns(const Group&)>& columns_of);

// Score by each numeric field that tells rows apart, a line per row otherwise: by task.pairs, by model.width.
void add_axes(std::vector<Figure>& figures, const Summary& summary, const Score& score);

// What the tests say in detail: by length, by slice, and maps over length and depth.
void add_tests(std::vector<Figure>& figures, const Summary& summary, const Score& score);

}  // namespace seqbench
