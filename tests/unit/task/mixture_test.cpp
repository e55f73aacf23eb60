#include "task/mixture.h"

#include <map>
#include <set>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Given shape(std::int64_t length, std::int64_t pairs, std::int64_t train_examples = 0) {
  return {{"vocab_size", std::int64_t{256}},
          {"length", length},
          {"pairs", pairs},
          {"train_examples", train_examples}};
}

std::unique_ptr<Task> mixed(const std::vector<std::pair<Given, double>>& given) {
  std::vector<MixturePart> parts;
  for (const auto& [options, weight] : given) parts.push_back({make_task("mqar", options, 5), weight});
  return mixture(std::move(parts), 5, "task.mix");
}

std::string mix_refusal(const std::vector<std::pair<Given, double>>& given) {
  try {
    mixed(given);
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("made without an error");
  return "";
}

TEST_CASE("mixture: parts come by their weights, in no order, and each split from its own examples") {
  const auto task = mixed({{shape(16, 2), 1}, {shape(32, 4), 2}, {shape(64, 16), 5}});
  CHECK(task->length() == 64);
  CHECK(task->vocab_size() == 256);
  CHECK(task->chance().in_context.value() == doctest::Approx((1.0 / 2 + 2.0 / 4 + 5.0 / 16) / 8));
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    std::map<std::size_t, std::int64_t> counts;
    std::int64_t changes = 0;
    std::size_t before = 0;
    for (std::int64_t i = 0; i < 4000; ++i) {
      const Sample sample = task->sample(split, i);
      ++counts[sample.tokens.size()];
      changes += sample.tokens.size() != before ? 1 : 0;
      before = sample.tokens.size();
      const std::int64_t pairs = before == 16 ? 2 : before == 32 ? 4 : 16;
      CHECK(sample.slices.at(0).value == pairs);
    }
    CHECK(fits({counts[16], counts[32], counts[64]}, {0.125, 0.25, 0.625}));
    CHECK(changes >
          1500);  // of 4000, 1 - (1/64 + 4/64 + 25/64) = 0.53 are expected to differ from the one before
  }
}

TEST_CASE("mixture: of fixed sets an epoch holds every example once, shuffled across the parts") {
  const auto task = mixed({{shape(16, 2, 30), 1}, {shape(32, 4, 10), 1}});
  CHECK(task->examples(Split::train) == 40);
  CHECK(task->examples(Split::valid) == 0);
  std::vector<std::vector<std::vector<std::int32_t>>> epochs(3);
  for (std::int64_t i = 0; i < 120; ++i) epochs[i / 40].push_back(task->sample(Split::train, i).tokens);
  const std::set<std::vector<std::int32_t>> all(epochs[0].begin(), epochs[0].end());
  CHECK(all.size() == 40);
  for (const auto& epoch : epochs) {
    CHECK(std::set<std::vector<std::int32_t>>(epoch.begin(), epoch.end()) == all);
    std::int64_t long_ones_first = 0;
    for (std::int64_t i = 0; i < 20; ++i) long_ones_first += epoch[i].size() == 32 ? 1 : 0;
    CHECK((long_ones_first > 0 && long_ones_first < 10));
  }
  CHECK(epochs[0] != epochs[1]);
}

TEST_CASE("mixture: what cannot be mixed is refused by its place") {
  Given other = shape(16, 2);
  other["vocab_size"] = std::int64_t{128};
  CHECK(
      contains(mix_refusal({{shape(16, 2), 1}, {other, 1}}), "task.mix[1]: has a vocabulary of 128 tokens"));
  CHECK(contains(mix_refusal({{shape(16, 2), 1}, {shape(16, 3, 9), 1}}),
                 "task.mix[1].train_examples: expected"));
}

}  // namespace
}  // namespace seqbench
