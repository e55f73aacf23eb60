// Scores of a model on examples it did not train on.
#pragma once
#include <cstdint>

#include "model/language_model.h"
#include "task/task.h"
#include "train/result.h"
#include "train/trainer.h"

namespace seqbench {

// 95% interval of a share of `count` trials (Wilson 1927): never of width zero, never outside [0, 1].
Interval wilson(double share, std::int64_t count);

Metrics metrics_of(const ScoreSum& sum, const Task& task);

// Scores `examples` examples of a split, or all it has when that is fewer (a test split with an end is always
// read whole). The same figures at any number of threads.
Metrics evaluate(const Task& task, const LanguageModel& model, const Buffer& weights, Split split,
                 std::int64_t examples, int threads);

}  // namespace seqbench
