#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

TEST_CASE("set_disjointness: two sets without repeats, in either order, with one element in common") {
  const auto task = make_task("set_disjointness",
                              {{"vocab_size", whole(40)}, {"length", whole(20)}, {"short_set", whole(5)}});
  std::vector<std::int64_t> orders(2), places(12), elements(38);
  for (std::int64_t i = 0; i < 6000; ++i) {
    const Sample sample = task->sample(Split::train, i);
    REQUIRE(sample.tokens.size() == 20);
    const std::int64_t short_first = sample.slices.at(0).value;
    ++orders[short_first];
    const std::int64_t middle = short_first == 1 ? 6 : 13;
    CHECK(sample.tokens[0] == 0);
    CHECK(sample.tokens[middle] == 1);
    CHECK(sample.tokens[19] == 1);
    const std::set<std::int32_t> first(sample.tokens.begin() + 1, sample.tokens.begin() + middle);
    const std::set<std::int32_t> second(sample.tokens.begin() + middle + 1, sample.tokens.begin() + 19);
    CHECK(first.size() + second.size() == 17);
    CHECK(*first.begin() >= 2);
    std::vector<std::int32_t> both;
    std::ranges::set_intersection(first, second, std::back_inserter(both));
    REQUIRE(both.size() == 1);
    CHECK(sample.labels.back() == both[0]);
    CHECK(sample.tokens[19 - sample.distances.back()] == both[0]);
    CHECK(19 - sample.distances.back() < middle);
    ++elements[both[0] - 2];
    if (short_first == 0) ++places[19 - sample.distances.back() - 1];
  }
  CHECK(fits(orders, {0.5, 0.5}));
  CHECK(fits(places, std::vector<double>(12, 1.0 / 12)));
  CHECK(fits(elements, std::vector<double>(38, 1.0 / 38)));
}

TEST_CASE("set_disjointness: one order alone, and what does not fit") {
  const auto task = make_task("set_disjointness", {{"order", std::string("long_first")}});
  CHECK(task->sample(Split::test, 0).tokens[109 + 1] == 1);
  CHECK(task->sample(Split::test, 0).slices.empty());
  CHECK(task->chance().uniform == doctest::Approx(1.0 / 2046));
  CHECK(task->chance().in_context.value() == doctest::Approx(1.0 / 16));
  CHECK(contains(refusal("set_disjointness", {{"short_set", whole(63)}}),
                 "expected at most half of the task.length - 3 = 125"));
  CHECK(contains(refusal("set_disjointness", {{"vocab_size", whole(125)}}), "expected at least 126"));
  CHECK(make_task("set_disjointness", {{"vocab_size", whole(126)}})->sample(Split::train, 0).tokens.size() ==
        128);
}

}  // namespace
}  // namespace seqbench
