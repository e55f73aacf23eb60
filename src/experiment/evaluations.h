// Tests of a trained model that were made after its run: evaluations.json beside result.json.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "experiment/trained_model.h"
#include "train/result.h"

namespace seqbench {

// Keeps what `tested` found in the folder of its run, beside what is there. A test is told by what is
// different from the run's own: options of the task, "seed", "examples" (eval.examples), "weights" ("best").
// It takes the place of an earlier one; what result.json holds itself is left out. Waits for no one. Returns
// how many are new or replaced, and 0 for a model that is in no run's folder. Throws Error when the folder
// cannot be written, is being run, or what is there cannot be read.
std::size_t keep_evaluation(const Tested& tested);

// The tests kept in the folder of a run; none without a file. Throws Error that names the file when it is
// there but cannot be read.
std::vector<SettingMetrics> kept_evaluations(const std::filesystem::path& folder);

// Those that `result` does not hold itself become further tests of it. Returns them.
std::vector<SettingMetrics> add_evaluations(const std::filesystem::path& folder, RunResult& result);

}  // namespace seqbench
