// Examples side by side, as the model reads them.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/language_model.h"
#include "task/task.h"
#include "train/score.h"

namespace seqbench {

// How many rows of activations go through the model at once: 512 of them sit in an L2 cache, and matrix
// products of 256 to 512 rows run at full rate. Never a function of the machine, so that results are not.
constexpr std::int64_t kRows = 512;

// How many sequences of `length` that is.
std::int64_t sequences_at_once(std::int64_t length, std::int64_t rows = kRows);

// Cuts samples into stretches that make kRows rows at most, or are one sample. Sort by length first: a
// stretch is as wide as its longest.
std::vector<std::span<const Sample>> stretches(std::span<const Sample> samples);

class Batch {
 public:
  // Shorter samples are padded at their end, where no position before can see it.
  void fill(std::span<const Sample> samples);
  std::int64_t tokens() const { return tokens_read_; }  // without padding

  // Runs the model over the batch and, when the tape records, its backward pass: gradients of the summed
  // loss.
  void run(Tape& tape, const LanguageModel& model);
  // After run(): every label's, sample after sample.
  const std::vector<LabelScore>& scores() const { return label_scores_; }

 private:
  std::vector<std::int32_t> tokens_;
  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> labels_;
  std::int64_t examples_ = 0;
  std::int64_t tokens_read_ = 0;
  Scores scores_;
  std::vector<LabelScore> label_scores_;
};

}  // namespace seqbench
