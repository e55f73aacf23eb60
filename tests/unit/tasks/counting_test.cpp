#include <algorithm>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

TEST_CASE("counting: the walk stays within its bounds, and the answer is where it stands") {
  for (const char* answers : {"last", "every"}) {
    const auto task = make_task("counting", {{"answers", std::string(answers)}});
    std::vector<std::int64_t> short_ends(5), long_ends(5);
    for (std::int64_t i = 0; i < 6000; ++i) {
      const Sample sample = task->sample(Split::test, i);
      const std::size_t length = sample.tokens.size();
      REQUIRE((length >= 8 && length <= 40));
      std::int32_t value = 0;
      for (std::size_t t = 0; t < length; ++t) {
        REQUIRE((sample.tokens[t] >= 5 && sample.tokens[t] <= 7));
        value += sample.tokens[t] == 5 ? 1 : sample.tokens[t] == 6 ? -1 : 0;
        REQUIRE((value >= 0 && value <= 4));
        const bool asked = t + 1 == length || std::string(answers) == "every";
        CHECK(sample.labels[t] == (asked ? value : kIgnore));
      }
      ++(length < 16 ? short_ends : long_ends)[value];
    }
    // From 8 tokens on, not only where the walk has forgotten its start: it mixes as cos(pi/5)^(2/3 t).
    CHECK(fits(short_ends, std::vector<double>(5, 0.2)));
    CHECK(fits(long_ends, std::vector<double>(5, 0.2)));
  }
}

TEST_CASE("counting: once past the start and away from the ends, the three moves are equally frequent") {
  const auto task =
      make_task("counting", {{"most", whole(20)}, {"min_length", whole(0)}, {"length", whole(200)}});
  std::vector<std::int64_t> moves(3);
  for (std::int64_t i = 0; i < 200; ++i) {
    const Sample sample = task->sample(Split::train, i);
    std::int32_t value = 0;
    for (std::size_t t = 0; t < sample.tokens.size(); ++t) {
      if (t >= 20 && value > 0 && value < 20) ++moves[sample.tokens[t] - 21];
      value += sample.tokens[t] == 21 ? 1 : sample.tokens[t] == 22 ? -1 : 0;
    }
  }
  CHECK(fits(moves, std::vector<double>(3, 1.0 / 3)));
}

TEST_CASE("counting: a counter that cannot get to the top in the shortest sequence is refused") {
  CHECK(contains(refusal("counting", {{"most", whole(9)}}),
                 "task.min_length: expected at least task.most 9, for the counter to get there, got 8"));
  CHECK(contains(refusal("counting", {{"most", whole(41)}, {"min_length", whole(0)}}),
                 "task.length: expected at least task.most 41"));
}

}  // namespace
}  // namespace seqbench
