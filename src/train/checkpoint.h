// What a run keeps on disk: its curve, its state while unfinished, and the trained model.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "train/best.h"
#include "train/progress_note.h"
#include "train/result.h"
#include "train/run.h"
#include "train/safetensors.h"
#include "train/trainer.h"

namespace seqbench {

// All that the rest of a run depends on, besides its spec.
struct RunState {
  TrainState* train = nullptr;
  ScoreSum window;       // since the last point of the curve
  double seconds = 0;    // trained so far
  bool stopped = false;  // train.stop_at was reached
  // Of a step whose point is not in the curve yet, because its validation was interrupted: the gradient norm.
  std::optional<double> unvalidated = {};
  Best best = {};
};

inline constexpr const char* kCheckpoint = "checkpoint.safetensors";
inline constexpr const char* kCheckpointBefore = "checkpoint-before.safetensors";
inline constexpr const char* kProgressNote = "progress.json";
inline constexpr const char* kModelFile = "model.safetensors";
inline constexpr const char* kBestFile = "best.safetensors";  // where the best weights are not the last

// Every parameter's part of a flat buffer, by name.
std::vector<NamedTensor> named_weights(const Parameters& parameters, Buffer& buffer,
                                       const std::string& prefix = "");

// The files of one run's folder. Without a folder nothing is kept.
class RunFiles {
 public:
  RunFiles(std::filesystem::path folder, const Parameters& parameters);

  // Brings `state` of a run of `steps` back to its newest checkpoint that is whole, and the curve with it.
  // None: the run was never begun. Throws Error, which says to delete them, when no checkpoint of several is
  // whole.
  std::optional<Resumed> resume(RunState& state, std::int64_t steps);
  // To be told after each step.
  void reached(std::int64_t step);
  const Reached& reached() const { return reached_; }
  // The checkpoint before stays until the next one has replaced this.
  void save(RunState& state) const;
  void add_point(const CurvePoint& point);
  // With `about` in its file; the best weights beside it where they are others. The checkpoint stays: until
  // the result is stored, a kill must not cost the run.
  void keep_model(RunState& state, const std::map<std::string, std::string>& about) const;

 private:
  std::vector<NamedTensor> tensors(RunState& state) const;
  void load(const std::filesystem::path& file, std::int64_t steps, RunState& state);
  bool load_newest(std::int64_t steps, RunState& state, std::string& damage);

  std::filesystem::path folder_;
  std::filesystem::path checkpoint_;
  std::filesystem::path before_;
  const Parameters& parameters_;
  ProgressNote note_;
  Reached reached_;
  std::string curve_;  // curve.jsonl; in each checkpoint, so that the two cannot disagree
};

}  // namespace seqbench
