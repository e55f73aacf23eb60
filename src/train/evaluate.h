// Scores of a model on examples it did not train on.
#pragma once
#include <cstdint>
#include <vector>

#include "base/stop.h"
#include "model/language_model.h"
#include "task/task.h"
#include "train/batch.h"
#include "train/example_scores.h"
#include "train/quiet_gate.h"
#include "train/result.h"
#include "train/spec.h"
#include "train/work_progress.h"

namespace seqbench {

struct Evaluator {
  const LanguageModel& model;
  const Buffer& weights;
  int threads = 1;
  std::int64_t rows = kRows;  // that go through the model at once
  QuietGate* gate = nullptr;  // passed each time that rows go through, where others measure
  Stop stop = {};                                  // all of the below throw what it throws
  WorkProgress* progress = nullptr;                // told of examples as they are scored
  std::vector<ExampleScores>* examples = nullptr;  // gets those of the test, then of its further ones

  // Scores `most` examples of a split, or all it has when that is fewer; of a split with an end they are
  // spread evenly over it. The same figures at any number of threads, and within rounding at any of rows.
  Metrics score(const Task& task, Split split, std::int64_t most) const;
  // As many as `eval` says; a split with an end is read whole.
  Metrics score_all(const Task& task, Split split, const Options& eval) const;
  // Announces that to `progress`.
  void expect(const Task& task, Split split, const Options& eval) const;
  // Test and further tests of a spec whose own task is `task`. What `result` holds of them already is kept.
  void test(const RunSpec& spec, const Task& task, RunResult& result) const;
};

}  // namespace seqbench
