// Which models a command means by the folders it is given.
#pragma once
#include <filesystem>
#include <vector>

#include "base/options.h"

namespace seqbench {

struct TrainedRuns {
  std::vector<std::filesystem::path> runs = {};  // folders of runs, or files model.safetensors; each once
  Texts problems = {};  // a line for each run below a folder that has no model to test
};

// A file, or the folder of a run, stands for itself, be there a model or not; a folder above runs for all
// below it that have ended well.
TrainedRuns trained_runs(const std::vector<std::filesystem::path>& paths);

}  // namespace seqbench
