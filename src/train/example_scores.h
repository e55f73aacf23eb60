// What a model made of single examples.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "task/task.h"
#include "train/score.h"

namespace seqbench {

struct ExampleScore {
  std::int64_t index = 0;  // in its split: Task::sample() makes it again
  std::int64_t tokens = 0;
  std::int64_t labels = 0;
  std::int64_t correct = 0;
  double loss = 0;  // nats per label

  bool exact() const { return correct == labels; }
};
using ExampleScores = std::vector<ExampleScore>;  // of one test, by index

// The examples of a test, one after the other. `scores`: of every label.
ExampleScores example_scores(std::span<const Sample> samples, std::span<const std::int64_t> indices,
                             const std::vector<LabelScore>& scores);

}  // namespace seqbench
