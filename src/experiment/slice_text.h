// Tables of where a model is right: by length, distance, depth, further settings of the task.
#pragma once
#include <string>
#include <vector>

#include "base/options.h"
#include "train/result.h"

namespace seqbench {

// Runs that differ in seed only; figures are means over them.
struct ScoredRow {
  Texts labels;
  std::vector<const RunResult*> runs;
};

// Whether a further test is at another length and otherwise the same.
bool is_length(const SettingMetrics& test);
// Of such a test.
std::int64_t length_of(const SettingMetrics& test);
// Whether it is the run's own test, which stands among tests at lengths too.
bool is_own(const RunResult& run, const SettingMetrics& test);
// What is different in a further test: "ignore=0.98", "length=256".
std::string name_of(const SettingMetrics& test);

// A line for the test and one for each further setting, of every row: accuracy, errors, loss. With `lengths`,
// tests at other lengths have one too. "" when there are no further settings, unless `always`.
std::string tests_text(const Texts& headers, const std::vector<ScoredRow>& rows, bool lengths, bool always);

// A table of the tests at lengths, and one for each kind of slice the test has more than one of; where tests
// at several lengths have depths, a map of accuracy over both.
std::string slices_text(const Texts& headers, const std::vector<ScoredRow>& rows);

}  // namespace seqbench
