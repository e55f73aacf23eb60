#include <algorithm>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

// Checks the sequences of either task; returns how often a symbol stands at each of 16 places.
std::vector<std::int64_t> checked_places(const std::string& name) {
  const auto task = make_task(name, {{"length", whole(24)}, {"vocab_size", whole(7)}, {"symbols", whole(8)}});
  std::vector<std::int64_t> symbols(5);
  std::vector<std::int64_t> places(16);
  for (std::int64_t i = 0; i < 4000; ++i) {
    const Sample sample = task->sample(Split::test, i);
    REQUIRE(sample.tokens.size() == 24);
    CHECK(sample.tokens[16] == 6);
    CHECK(std::vector<std::int32_t>(sample.tokens.begin() + 17, sample.tokens.end()) ==
          std::vector<std::int32_t>(7, 5));
    std::vector<std::int32_t> read;
    for (std::int32_t t = 0; t < 16; ++t) {
      CHECK(sample.labels[t] == kIgnore);
      if (sample.tokens[t] == 5) continue;
      REQUIRE(sample.tokens[t] < 5);
      ++symbols[sample.tokens[t]];
      ++places[t];
      CHECK(sample.distances[16 + read.size()] == static_cast<std::int32_t>(16 + read.size()) - t);
      read.push_back(sample.tokens[t]);
    }
    CHECK(read == std::vector<std::int32_t>(sample.labels.begin() + 16, sample.labels.end()));
  }
  CHECK(fits(symbols, std::vector<double>(5, 0.2)));
  return places;
}

TEST_CASE("copy: symbols first, then blanks, the mark, and slots that ask for the symbols in order") {
  std::vector<std::int64_t> wanted(16);
  std::fill_n(wanted.begin(), 8, 4000);
  CHECK(checked_places("copy") == wanted);
}

TEST_CASE("selective_copy: the same, with the symbols at any places equally likely") {
  CHECK(fits(checked_places("selective_copy"), std::vector<double>(16, 1.0 / 16)));
}

TEST_CASE(
    "copy, selective_copy: chance is of one symbol, of those that were read, of all of them; what does not "
    "fit is refused") {
  for (const char* name : {"copy", "selective_copy"}) {
    const auto task = make_task(name, {{"symbols", whole(3)}});
    CHECK(task->chance().uniform == doctest::Approx(1.0 / 14));
    CHECK(task->chance().in_context.value() == doctest::Approx(1.0 / 3 + 2.0 / 3 / 14));
    CHECK(task->chance().exact.value() == doctest::Approx(1.0 / (14 * 14 * 14)));
    CHECK(contains(refusal(name, {{"length", whole(31)}}), "task.symbols: 16 do not fit task.length 31"));
    CHECK(make_task(name, {{"length", whole(32)}})->length() == 32);
  }
}

}  // namespace
}  // namespace seqbench
