#include <map>
#include <set>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

TEST_CASE(
    "recall_update: pairs, updates of different keys with new values, and each key once for its last value") {
  const auto task = make_task(
      "recall_update",
      {{"vocab_size", whole(64)}, {"length", whole(40)}, {"pairs", whole(5)}, {"updates", whole(3)}});
  std::vector<std::int64_t> updated(5), gaps(12);
  for (std::int64_t i = 0; i < 4000; ++i) {
    const Sample sample = task->sample(Split::train, i);
    REQUIRE(sample.tokens.size() == 40);
    std::map<std::int32_t, std::int32_t> last;
    std::set<std::int32_t> values, keys_updated;
    for (std::int32_t t = 0; t < 16; t += 2) {
      CHECK((sample.tokens[t] >= 1 && sample.tokens[t] < 32));
      CHECK(sample.tokens[t + 1] >= 32);
      CHECK(last.contains(sample.tokens[t]) == (t >= 10));
      if (t >= 10) {
        CHECK(keys_updated.insert(sample.tokens[t]).second);
        for (std::int32_t k = 0; k < 5; ++k) updated[k] += sample.tokens[2 * k] == sample.tokens[t] ? 1 : 0;
      }
      values.insert(sample.tokens[t + 1]);
      last[sample.tokens[t]] = t + 1;
    }
    CHECK(values.size() == 8);
    std::set<std::int32_t> asked;
    for (std::int32_t t = 16; t < 40; ++t) {
      if (sample.labels[t] == kIgnore) {
        CHECK(sample.tokens[t] == 0);
        continue;
      }
      CHECK(t % 2 == 0);
      ++gaps[(t - 16) / 2];
      CHECK(asked.insert(sample.tokens[t]).second);
      REQUIRE(last.contains(sample.tokens[t]));
      CHECK(sample.labels[t] == sample.tokens[last[sample.tokens[t]]]);
      CHECK(t - sample.distances[t] == last[sample.tokens[t]]);
    }
    CHECK(asked.size() == 5);
  }
  CHECK(fits(updated, std::vector<double>(5, 0.2)));
  CHECK(fits(gaps, std::vector<double>(12, 1.0 / 12)));
}

TEST_CASE("recall_update: what does not fit together is refused, what just fits is not") {
  CHECK(contains(refusal("recall_update", {{"updates", whole(9)}}),
                 "task.updates: expected at most task.pairs 8"));
  CHECK(contains(refusal("recall_update", {{"pairs", whole(15)}}), "= 68 tokens"));
  CHECK(contains(refusal("recall_update", {{"vocab_size", whole(22)}}), "expected at least 24"));
  CHECK(contains(refusal("recall_update", {{"length", whole(63)}}), "expected an even number"));
  const auto full = make_task("recall_update", {{"vocab_size", whole(24)}, {"length", whole(40)}});
  for (std::int64_t i = 0; i < 50; ++i) CHECK(full->sample(Split::valid, i).tokens.size() == 40);
}

}  // namespace
}  // namespace seqbench
