#include <algorithm>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

TEST_CASE("counting: the walk stays within its bounds, and the answer is where it stands") {
  for (const char* answers : {"last", "every"}) {
    const auto task = make_task(
        "counting", {{"answers", std::string(answers)}, {"min_length", whole(0)}, {"length", whole(60)}});
    std::vector<std::int64_t> ends(5);
    for (std::int64_t i = 0; i < 3000; ++i) {
      const Sample sample = task->sample(Split::test, i);
      REQUIRE(sample.tokens.size() == 60);
      std::int32_t value = 0;
      for (std::size_t t = 0; t < 60; ++t) {
        REQUIRE((sample.tokens[t] >= 5 && sample.tokens[t] <= 7));
        value += sample.tokens[t] == 5 ? 1 : sample.tokens[t] == 6 ? -1 : 0;
        REQUIRE((value >= 0 && value <= 4));
        const bool asked = t == 59 || std::string(answers) == "every";
        CHECK(sample.labels[t] == (asked ? value : kIgnore));
      }
      ++ends[value];
    }
    CHECK(fits(ends, std::vector<double>(5, 0.2)));  // mixes as cos(pi/5)^(2/3 t): 60 steps forget the start
  }
}

TEST_CASE("counting: away from the ends the three moves are equally frequent") {
  const auto task =
      make_task("counting", {{"most", whole(1000)}, {"min_length", whole(0)}, {"length", whole(200)}});
  std::vector<std::int64_t> moves(3);
  for (std::int64_t i = 0; i < 200; ++i) {
    const Sample sample = task->sample(Split::train, i);
    std::int32_t value = 0;
    for (const std::int32_t token : sample.tokens) {
      if (value > 0) ++moves[token - 1001];
      value += token == 1001 ? 1 : token == 1002 ? -1 : 0;
    }
  }
  CHECK(fits(moves, std::vector<double>(3, 1.0 / 3)));
}

}  // namespace
}  // namespace seqbench
