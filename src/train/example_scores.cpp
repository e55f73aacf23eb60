#include "train/example_scores.h"

#include <algorithm>

namespace seqbench {

ExampleScores example_scores(std::span<const Sample> samples, std::span<const std::int64_t> indices,
                             const std::vector<LabelScore>& scores) {
  ExampleScores examples;
  const LabelScore* next = scores.data();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    ExampleScore example{.index = indices[i], .tokens = std::ssize(samples[i].tokens)};
    example.labels =
        std::ranges::count_if(samples[i].labels, [](std::int32_t label) { return label != kIgnore; });
    for (std::int64_t label = 0; label < example.labels; ++label, ++next) {
      example.loss += next->loss / static_cast<double>(example.labels);
      example.correct += next->correct ? 1 : 0;
    }
    examples.push_back(example);
  }
  return examples;
}

}  // namespace seqbench
