// What a run keeps on disk: its curve, its state while unfinished, and the trained model.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "train/result.h"
#include "train/safetensors.h"
#include "train/trainer.h"

namespace seqbench {

// All that the rest of a run depends on, besides its spec.
struct RunState {
  TrainState* train = nullptr;
  ScoreSum window;       // since the last point of the curve
  double seconds = 0;    // trained so far
  bool stopped = false;  // train.stop_at was reached
};

// Every parameter's part of a flat buffer, by name.
std::vector<NamedTensor> named_weights(const Parameters& parameters, Buffer& buffer,
                                       const std::string& prefix = "");

// The files of one run's folder. Without a folder nothing is kept.
class RunFiles {
 public:
  RunFiles(std::filesystem::path folder, const Parameters& parameters);

  // Brings `state` back to the checkpoint, if there is one, and the curve with it. False: there is none.
  // Throws Error, which says to delete it, for one that cannot be read.
  bool resume(RunState& state);
  void save(const RunState& state) const;
  void add_point(const CurvePoint& point);
  // With `about` in its file. The checkpoint stays: until the result is stored, a kill must not cost the run.
  void keep_model(TrainState& state, const std::map<std::string, std::string>& about) const;

 private:
  std::vector<NamedTensor> tensors(TrainState& state) const;
  void load(const std::filesystem::path& file, RunState& state) const;

  std::filesystem::path folder_;
  const Parameters& parameters_;
};

}  // namespace seqbench
