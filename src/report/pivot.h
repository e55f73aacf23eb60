// One figure over two fields: `report --rows mechanism --cols task.pairs --metric test.accuracy`.
#pragma once
#include <string>
#include <vector>

#include "experiment/table.h"
#include "report/summary.h"

namespace seqbench {

struct Pivot {
  Texts rows = {"mechanism"};
  Texts columns = {};
  std::string metric = "test.accuracy";
};

// A cell for each combination, of runs that differ in anything else the best `by` a metric of valid; "": by
// score_metric(). Throws Error when results of different tasks, settings of a task or corpora would share a
// cell.
Summary pivoted(const Runs& records, const Pivot& pivot, const std::string& by);
// Its cells: mean and interval, and how many runs of all where some ended badly.
Table pivot_table(const Summary& summary, const Pivot& pivot);
Texts pivot_notes(const Summary& summary, const Pivot& pivot);

// Keeps records whose field has the value: "mechanism=softmax" (with whatever options), "train.lr=0.001,2e-3"
// (either), "task!=copy". Throws Error for a filter of another form, an unknown field, a value that no record
// has, and when nothing is left.
Runs filtered(const Runs& records, const Texts& filters);

}  // namespace seqbench
