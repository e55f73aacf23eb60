#include <algorithm>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

TEST_CASE("dyck: brackets nest to the depth at most, and a close is answered with the type that it closes") {
  const auto task = make_task("dyck", {{"types", whole(3)}, {"depth", whole(4)}});
  std::vector<std::int64_t> answers(3), deepest(5), choices(2);
  for (std::int64_t i = 0; i < 1000; ++i) {
    const Sample sample = task->sample(Split::test, i);
    REQUIRE(sample.tokens.size() == 64);
    std::vector<std::size_t> open;
    for (std::size_t t = 0; t < 64; ++t) {
      if (!open.empty() && open.size() < 4) ++choices[sample.tokens[t] == 3 ? 1 : 0];
      if (sample.tokens[t] < 3) {
        CHECK(sample.labels[t] == kIgnore);
        open.push_back(t);
      } else {
        REQUIRE_FALSE(open.empty());
        CHECK(sample.labels[t] == sample.tokens[open.back()]);
        CHECK(t - sample.distances[t] == open.back());
        ++answers[sample.labels[t]];
        open.pop_back();
      }
      REQUIRE(open.size() <= 4);
      ++deepest[open.size()];
    }
  }
  CHECK(fits(answers, std::vector<double>(3, 1.0 / 3)));
  CHECK(fits(choices, {0.5, 0.5}));
  CHECK(deepest[4] > 1000);
}

TEST_CASE("dyck: a sequence that may never close is refused") {
  CHECK(contains(refusal("dyck", {{"length", whole(4)}}), "task.length: expected more than task.depth 4"));
  CHECK(contains(refusal("dyck", {{"min_length", whole(3)}}),
                 "task.min_length: expected more than task.depth 4"));
  CHECK(make_task("dyck", {{"length", whole(5)}, {"types", whole(50)}})->length() == 5);
}

}  // namespace
}  // namespace seqbench
