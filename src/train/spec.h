// One run, as a spec says it: all that its result depends on.
#pragma once
#include <cstdint>

#include "base/options.h"
#include "model/spec.h"
#include "task/task.h"

namespace seqbench {

// The keys of "train", "eval" and "measure" in a spec.
OptionList train_options();
OptionList eval_options();
OptionList measure_options();

struct RunSpec {
  const TaskEntry* task = nullptr;
  Options task_options;
  ModelSpec model;
  Options train;
  Options eval;
  Options measure;
  std::uint64_t seed = 0;
};

}  // namespace seqbench
