#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

constexpr std::int32_t kWrite = 2, kRead = 3, kLeft = 4;

TEST_CASE("flip_flop: a read is answered, and followed, by the bit last written; nothing else is asked") {
  const auto task = make_task("flip_flop", {}, 1);
  for (std::int64_t i = 0; i < 100; ++i) {
    const Sample sample = task->sample(Split::train, i);
    REQUIRE(sample.tokens.size() == 512);
    CHECK(sample.tokens[0] == kWrite);
    CHECK(sample.tokens[510] == kRead);
    for (std::size_t t = 0; t < 512; t += 2) {
      CHECK(sample.labels[t + 1] == kIgnore);
      CHECK((sample.tokens[t + 1] == 0 || sample.tokens[t + 1] == 1));
      if (sample.tokens[t] != kRead) {
        CHECK(sample.labels[t] == kIgnore);
        continue;
      }
      const std::size_t source = t - sample.distances[t];
      CHECK(sample.tokens[source - 1] == kWrite);
      for (std::size_t s = source + 1; s < t; s += 2) CHECK(sample.tokens[s] != kWrite);
      CHECK(sample.labels[t] == sample.tokens[source]);
      CHECK(sample.tokens[t + 1] == sample.labels[t]);
    }
  }
}

TEST_CASE("flip_flop: instructions come at their rates, written and ignored bits are fair") {
  for (const double ignore : {0.8, 0.98, 0.1}) {
    CAPTURE(ignore);
    const auto task = make_task("flip_flop", {{"ignore", ignore}}, 1);
    std::vector<std::int64_t> instructions(3), written(2), left(2);
    for (std::int64_t i = 0; i < 200; ++i) {
      const Sample sample = task->sample(Split::test, i);
      for (std::size_t t = 2; t < 510; t += 2) {
        ++instructions[sample.tokens[t] - kWrite];
        if (sample.tokens[t] == kWrite) ++written[sample.tokens[t + 1]];
        if (sample.tokens[t] == kLeft) ++left[sample.tokens[t + 1]];
      }
    }
    CHECK(fits(instructions, {(1 - ignore) / 2, (1 - ignore) / 2, ignore}));
    CHECK(fits(written, {0.5, 0.5}));
    CHECK(fits(left, {0.5, 0.5}));
  }
}

TEST_CASE("flip_flop: an odd length is refused") {
  CHECK(contains(refusal("flip_flop", {{"length", std::int64_t{511}}}),
                 "task.length: expected an even number"));
}

}  // namespace
}  // namespace seqbench
