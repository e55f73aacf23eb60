// Results put together for tables and plots: seeds into one row, and the best of what is selected over.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "report/record.h"
#include "train/result.h"

namespace seqbench {

// What is chosen on the validation split: of the runs that differ in these fields the best by a metric.
struct Selection {
  Texts over = {};
  std::string by = {};  // a metric of valid
};

// Runs that differ in the seed alone.
struct Group {
  Texts labels;  // of the fields of its summary
  Runs runs = {};
  Runs ok = {};
  Runs rivals = {};  // all runs it was selected from, its own included

  bool holds(const Record* run) const { return std::ranges::find(runs, run) != runs.end(); }
};

// Its labels, short: "softmax 0.002".
std::string name_of(const Group& group);

struct Summary {
  std::string title;  // the experiment
  Texts fields;       // that tell its groups apart
  Selection selection = {};
  std::vector<Group> groups = {};
};

// A mean over the runs of a group that are ok and have the figure.
struct Average {
  double mean = 0;            // not a number when none has it
  double standard_error = 0;  // not a number for less than two
  Interval interval = {};     // 95%: Student's t over runs, of a single run's test accuracy its own
  std::size_t count = 0;
};
Average average_of(const Group& group, const std::string& metric);
// The middle run's; costs and speeds are given so.
double middle_of(const Group& group, const std::string& metric);

// Fields with more than one value among the records, in their order; never the seed, or those of the mixer,
// whose differences the mechanism's name tells.
Texts varying_fields(const Runs& records);

// Whether a field is of what is learned, so that runs which differ in it are never compared: the task, its
// version, its settings, its texts.
bool is_of_task(const std::string& field);

// What tells the rows of a table apart: the mechanism, and what varies, but for what is selected over; the
// experiment when that is nothing.
Texts row_fields(const Runs& records, const Texts& over);

// What users mean by `name`: a field as it is, or the one that ends in ".name". Throws Error when there is
// none, or more than one.
std::string find_field(const Runs& records, const std::string& name);

// The fields that are chosen over when `path`, an axis of a grid, is: itself or those below it ("train"), the
// mechanism for its mixer, the sizes for a budget. None when it is no path of a spec.
Texts fields_over(const Runs& records, const std::string& path);

// Groups by `fields`, each the best by the selection among those that have the same fields: first the
// largest share of finished runs that are ok, then the best mean, then the first. Groups stand in the order
// of the records.
Summary summarise(const std::string& title, const Runs& records, const Texts& fields,
                  const Selection& selection);

// What the runs are scored by on a split, "valid" or "test": loss for text and sources of known entropy, else
// accuracy. "valid.loss"
std::string score_metric(const Runs& records, const std::string& split);
// On test, of all runs of the summary.
std::string score_metric(const Summary& summary);

// One summary for each experiment. Selected over: `over`, or all that varies in train when there is none.
std::vector<Summary> summaries_of(const std::vector<Record>& records, const Selection& selection);

}  // namespace seqbench
