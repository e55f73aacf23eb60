#include <set>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

TEST_CASE("parity: lengths are uniform from 3 to 40, bits and answers fair in every split") {
  const auto task = make_task("parity", {}, 2);
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    std::vector<std::int64_t> lengths(38), bits(2), answers(2);
    for (std::int64_t i = 0; i < 8000; ++i) {
      const Sample sample = task->sample(split, i);
      REQUIRE((sample.tokens.size() >= 3 && sample.tokens.size() <= 40));
      ++lengths[sample.tokens.size() - 3];
      // Of the few short strings a split has some and not others.
      if (sample.tokens.size() < 12) continue;
      for (const std::int32_t bit : sample.tokens) ++bits[bit];
      ++answers[sample.labels.back()];
    }
    CHECK(fits(bits, {0.5, 0.5}));
    CHECK(fits(answers, {0.5, 0.5}));
    lengths.erase(lengths.begin(), lengths.begin() + 9);
    CHECK(fits(lengths, std::vector<double>(29, 1.0 / 29)));
  }
}

TEST_CASE("parity: the answer is whether the ones are odd, after the last bit or after each") {
  for (const char* answers : {"last", "every"}) {
    const auto task =
        make_task("parity", {{"answers", std::string(answers)}, {"min_length", std::int64_t{0}}});
    for (std::int64_t i = 0; i < 300; ++i) {
      const Sample sample = task->sample(Split::test, i);
      REQUIRE(sample.tokens.size() == 40);
      std::int64_t ones = 0;
      for (std::size_t t = 0; t < 40; ++t) {
        ones += sample.tokens[t];
        const bool asked = t == 39 || std::string(answers) == "every";
        CHECK(sample.labels[t] == (asked ? ones & 1 : kIgnore));
      }
    }
  }
}

TEST_CASE("parity: a shortest length above the longest is refused") {
  CHECK(contains(refusal("parity", {{"length", std::int64_t{2}}}),
                 "task.min_length: expected at most task.length 2"));
}

}  // namespace
}  // namespace seqbench
