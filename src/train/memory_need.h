// How much memory a run will take, before it takes it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/stop.h"
#include "model/language_model.h"
#include "train/spec.h"

namespace seqbench {

struct MemoryNeed {
  struct Part {
    std::string what;   // "testing at 65536 tokens on 2 threads"
    std::string lower;  // what makes it smaller: "eval.lengths or --threads"
    double bytes = 0;
  };
  Part kept;                // weights, moments and the lanes' gradients: all the time
  Part training;            // the workers' arenas, which stay until the end
  std::vector<Part> later;  // one after the other: tests, and contexts that are measured

  double bytes() const;  // at once, at most
  const Part& largest() const;
};

// From short passes and reads of `model`, which are carried on to the lengths of the spec: at least what is
// taken, at most 3 times that (tests/unit/train/memory_need_test.cpp). Where weights and gradients alone are
// more than available_memory(), it is these that it says. Data of the task is not counted. Throws what `stop`
// throws.
MemoryNeed memory_need(const RunSpec& spec, const Task& task, const LanguageModel& model, int threads,
                       const Stop& stop);

// The same, of a spec whose task and model it builds for that.
MemoryNeed memory_need_of(const RunSpec& spec, int threads, const Stop& stop = {});

}  // namespace seqbench
