#include "experiment/paired.h"

#include <doctest/doctest.h>

#include "experiment/spec.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// An example right (1) or wrong (0), with its loss.
Tested with_examples(const std::string& name, const std::vector<std::pair<int, double>>& examples) {
  Tested tested;
  tested.name = name;
  tested.examples.emplace_back();
  for (const auto& [right, loss] : examples) {
    const std::int64_t index = std::ssize(tested.examples[0]);
    tested.examples[0].push_back(
        {.index = index, .tokens = 16, .labels = 2, .correct = 1 + right, .loss = loss});
  }
  return tested;
}

TEST_CASE("pairs of examples are counted, and tested by what only one has right") {
  const Tested a =
      with_examples("first", {{1, 1}, {1, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}});
  const Tested b =
      with_examples("second", {{1, 2}, {0, 3}, {1, 4}, {1, 2}, {1, 3}, {1, 4}, {1, 2}, {1, 3}, {0, 4}});
  const std::string text = paired_text(a, b);
  // 1 both, 1 only A, 6 only B, 1 neither: p = 2 (1 + 7) / 128. Losses are 1, 2, 3 three times over more:
  // mean 2, deviation sqrt(6 / 8), t = 2 / (0.866 / 3) = 6.93, and 2.306 * 0.2887 to either side.
  CHECK(has(
      text,
      "the task's own         9      1       1       6        1  0.125  +2.0000 [+1.3343, +2.6657]  <0.001"));
  CHECK(has(text, "A: first\nB: second\n"));
}

TEST_CASE("scores of single examples are a line of JSON each") {
  CHECK(examples_jsonl(with_examples("r", {{1, 0.5}, {0, 2}})) ==
        "{\"run\":\"r\",\"test\":\"the task's own\",\"index\":0,\"tokens\":16,\"labels\":2,\"correct\":2,"
        "\"exact\":true,\"loss\":0.5}\n"
        "{\"run\":\"r\",\"test\":\"the task's own\",\"index\":1,\"tokens\":16,\"labels\":2,\"correct\":1,"
        "\"exact\":false,\"loss\":2.0}\n");
}

}  // namespace
}  // namespace seqbench
