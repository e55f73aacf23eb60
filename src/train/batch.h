// Examples side by side, as the model reads them.
#pragma once
#include <cstdint>
#include <vector>

#include "model/language_model.h"
#include "task/task.h"

namespace seqbench {

// How many sequences of `length` go through the model at once: 512 rows of activations sit in an L2 cache,
// and matrix products of 256 to 512 rows run at full rate. A function of the spec alone, so that results do
// not depend on the machine.
std::int64_t sequences_at_once(std::int64_t length);

// What one example scored.
struct ExampleScore {
  double loss = 0;  // nats, summed over its labelled positions
  std::int64_t labels = 0;
  std::int64_t correct = 0;
  bool exact() const { return correct == labels; }
};

class Batch {
 public:
  void clear();
  void add(const Sample& sample);
  std::int64_t examples() const { return static_cast<std::int64_t>(first_label_.size()); }
  bool empty() const { return first_label_.empty(); }

  // Runs the model over the batch and, when the tape records, its backward pass: gradients of the summed
  // loss.
  void run(Tape& tape, const LanguageModel& model);
  // After run(): what example i scored.
  ExampleScore score_of(std::int64_t i) const;

 private:
  std::vector<std::int32_t> tokens_;
  std::vector<std::int32_t> rows_;
  std::vector<std::int32_t> labels_;
  std::vector<std::size_t> first_label_;  // of each example, in labels_
  Scores scores_;
};

}  // namespace seqbench
