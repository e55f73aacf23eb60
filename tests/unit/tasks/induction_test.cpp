#include <algorithm>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

TEST_CASE(
    "induction: the special token stands once, anywhere, and at the end, which asks for what followed it") {
  const auto task = make_task("induction", {{"length", whole(12)}, {"vocab_size", whole(9)}});
  std::vector<std::int64_t> places(10), answers(8);
  for (std::int64_t i = 0; i < 5000; ++i) {
    const Sample sample = task->sample(Split::train, i);
    REQUIRE(sample.tokens.size() == 12);
    CHECK(std::ranges::count(sample.tokens, 8) == 2);
    CHECK(sample.tokens.back() == 8);
    const auto place = std::ranges::find(sample.tokens, 8) - sample.tokens.begin();
    REQUIRE(place < 10);
    ++places[place];
    ++answers[sample.labels.back()];
    CHECK(sample.labels.back() == sample.tokens[place + 1]);
    CHECK(sample.distances.back() == 11 - (place + 1));
    CHECK(std::ranges::count(sample.labels, kIgnore) == 11);
  }
  CHECK(fits(places, std::vector<double>(10, 0.1)));
  CHECK(fits(answers, std::vector<double>(8, 0.125)));
}

}  // namespace
}  // namespace seqbench
