#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

constexpr std::int64_t kExamples = 300;

struct Shape {
  std::int64_t vocab_size = 64, length = 64, pairs = 8, passes = 1;
  std::int64_t context() const { return 2 * pairs * passes; }
  Given given(const std::string& fillers = "distinct") const {
    return {{"vocab_size", vocab_size},
            {"length", length},
            {"pairs", pairs},
            {"passes", passes},
            {"fillers", fillers}};
  }
};

std::vector<std::int32_t> query_positions(const Sample& sample) {
  std::vector<std::int32_t> positions;
  for (std::size_t t = 0; t < sample.labels.size(); ++t) {
    if (sample.labels[t] != kIgnore) positions.push_back(static_cast<std::int32_t>(t));
  }
  return positions;
}

// The pairs of the context: keys distinct and in the lower half, values distinct and in the upper, the block
// repeated.
std::map<std::int32_t, std::int32_t> checked_context(const Sample& sample, const Shape& shape) {
  std::map<std::int32_t, std::int32_t> value_of;
  std::set<std::int32_t> values;
  for (std::int64_t i = 0; i < 2 * shape.pairs; i += 2) {
    const std::int32_t key = sample.tokens[i];
    const std::int32_t value = sample.tokens[i + 1];
    CHECK((key >= 1 && key < shape.vocab_size / 2));
    CHECK((value >= shape.vocab_size / 2 && value < shape.vocab_size));
    value_of[key] = value;
    values.insert(value);
  }
  CHECK(static_cast<std::int64_t>(value_of.size()) == shape.pairs);
  CHECK(static_cast<std::int64_t>(values.size()) == shape.pairs);
  for (std::int64_t t = 2 * shape.pairs; t < shape.context(); ++t) {
    CHECK(sample.tokens[t] == sample.tokens[t - 2 * shape.pairs]);
  }
  return value_of;
}

// Each key of the context is queried once, at an even distance after the context, with its value as the
// label.
void check_queries(const Sample& sample, const Shape& shape) {
  const std::map<std::int32_t, std::int32_t> value_of = checked_context(sample, shape);
  std::set<std::int32_t> asked;
  const std::vector<std::int32_t> queries = query_positions(sample);
  for (const std::int32_t t : queries) {
    CHECK(t >= shape.context());
    CHECK((t - shape.context()) % 2 == 0);
    REQUIRE(value_of.contains(sample.tokens[t]));
    CHECK(sample.labels[t] == value_of.at(sample.tokens[t]));
    asked.insert(sample.tokens[t]);
  }
  CHECK(static_cast<std::int64_t>(queries.size()) == shape.pairs);
  CHECK(static_cast<std::int64_t>(asked.size()) == shape.pairs);
}

std::vector<std::int32_t> fillers_of(const Sample& sample, const Shape& shape) {
  std::vector<std::int32_t> fillers;
  for (std::int64_t t = shape.context(); t < shape.length; ++t) {
    if (sample.labels[t] == kIgnore) fillers.push_back(sample.tokens[t]);
  }
  return fillers;
}

bool in_context(std::int32_t token, const Sample& sample, const Shape& shape) {
  return std::find(sample.tokens.begin(), sample.tokens.begin() + shape.context(), token) !=
         sample.tokens.begin() + shape.context();
}

std::vector<double> power_law(std::int64_t gaps, double a) {
  std::vector<double> p;
  for (std::int64_t i = 1; i <= gaps; ++i) p.push_back(a * std::pow(static_cast<double>(i), a - 1));
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= total;
  return p;
}

// How often each gap is that of context pair `pair`, over `examples` examples.
std::vector<std::int64_t> gap_counts(const Task& task, const Shape& shape, std::int64_t pair,
                                     std::int64_t examples) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>((shape.length - shape.context()) / 2));
  for (std::int64_t i = 0; i < examples; ++i) {
    const Sample sample = task.sample(Split::train, i);
    for (const std::int32_t t : query_positions(sample)) {
      if (sample.tokens[t] == sample.tokens[2 * pair]) ++counts[(t - shape.context()) / 2];
    }
  }
  return counts;
}

TEST_CASE("mqar: every key is queried once and labelled where it stands, whatever the fillers") {
  for (const char* fillers : {"distinct", "any", "zero"}) {
    CAPTURE(fillers);
    const Shape shape;
    const auto task = make_task("mqar", shape.given(fillers));
    for (std::int64_t i = 0; i < kExamples; ++i) check_queries(task->sample(Split::train, i), shape);
  }
}

TEST_CASE("mqar: the context is shown as often as passes says") {
  const Shape shape{.vocab_size = 40, .length = 128, .pairs = 8, .passes = 3};
  const auto task = make_task("mqar", shape.given());
  for (std::int64_t i = 0; i < kExamples; ++i) check_queries(task->sample(Split::valid, i), shape);
}

TEST_CASE("mqar: the tightest shapes work: every slot a query, every key in use, one free filler") {
  const Shape full{.vocab_size = 64, .length = 64, .pairs = 16};
  const auto task = make_task("mqar", full.given());
  for (std::int64_t i = 0; i < kExamples; ++i) check_queries(task->sample(Split::train, i), full);

  const Shape all_keys{.vocab_size = 18, .length = 64, .pairs = 8};
  const auto crowded = make_task("mqar", all_keys.given());
  for (std::int64_t i = 0; i < kExamples; ++i) {
    const Sample sample = crowded->sample(Split::train, i);
    check_queries(sample, all_keys);
    const std::vector<std::int32_t> fillers = fillers_of(sample, all_keys);
    REQUIRE(fillers.size() == 40);
    CHECK(std::ranges::count(fillers, fillers.front()) == 40);
  }
}

TEST_CASE("mqar: distinct fillers never meet 0 or the context, and are uniform over the rest") {
  const Shape shape;
  const auto task = make_task("mqar", shape.given("distinct"));
  std::vector<std::int64_t> counts(63);
  for (std::int64_t i = 0; i < kExamples; ++i) {
    const Sample sample = task->sample(Split::train, i);
    const std::vector<std::int32_t> fillers = fillers_of(sample, shape);
    CHECK(static_cast<std::int64_t>(fillers.size()) == shape.length - shape.context() - shape.pairs);
    for (const std::int32_t filler : fillers) {
      CHECK_FALSE(in_context(filler, sample, shape));
      REQUIRE((filler >= 1 && filler < shape.vocab_size));
      ++counts[filler - 1];
    }
  }
  // 31 keys and 32 values share 8 pairs: a key is free in 23/31 of the sequences, a value in 24/32.
  std::vector<double> wanted(31, 23.0 / 31 / 47);
  wanted.resize(63, 24.0 / 32 / 47);
  CHECK(fits(counts, wanted));
}

TEST_CASE("mqar: fillers of the published form are uniform over the vocabulary and meet the context") {
  const Shape shape;
  const auto task = make_task("mqar", shape.given("any"));
  std::vector<std::int64_t> counts(64);
  std::int64_t met = 0;
  for (std::int64_t i = 0; i < kExamples; ++i) {
    const Sample sample = task->sample(Split::train, i);
    for (const std::int32_t filler : fillers_of(sample, shape)) {
      ++counts[filler];
      met += in_context(filler, sample, shape) ? 1 : 0;
    }
  }
  CHECK(fits(counts, std::vector<double>(64, 1.0 / 64)));
  CHECK(met > kExamples * 40 / 8);  // 16 of 64 tokens stand in the context: a quarter of 300 * 40 is expected
}

TEST_CASE("mqar: zero fillers are zero") {
  const Shape shape;
  const auto task = make_task("mqar", shape.given("zero"));
  for (std::int64_t i = 0; i < kExamples; ++i) {
    CHECK(fillers_of(task->sample(Split::test, i), shape) == std::vector<std::int32_t>(40, 0));
  }
}

TEST_CASE("mqar: the distance of a label is that of its value, in the last showing of the pairs") {
  const Shape shape{.length = 96, .pairs = 8, .passes = 2};
  const auto task = make_task("mqar", shape.given());
  for (std::int64_t i = 0; i < kExamples; ++i) {
    const Sample sample = task->sample(Split::train, i);
    for (const std::int32_t t : query_positions(sample)) {
      const std::int32_t value = t - sample.distances[t];
      CHECK(value >= shape.context() / 2);
      CHECK(value < shape.context());
      CHECK(sample.tokens[value] == sample.labels[t]);
      CHECK(sample.tokens[value - 1] == sample.tokens[t]);
    }
  }
}

TEST_CASE("mqar: keys and values are uniform over their halves") {
  const Shape shape{.vocab_size = 21, .length = 16, .pairs = 2};
  const auto task = make_task("mqar", shape.given());
  std::vector<std::int64_t> keys(9), values(11);
  for (std::int64_t i = 0; i < 4000; ++i) {
    const Sample sample = task->sample(Split::train, i);
    ++keys[sample.tokens[0] - 1];
    ++values[sample.tokens[1] - 10];
  }
  CHECK(fits(keys, std::vector<double>(9, 1.0 / 9)));
  CHECK(fits(values, std::vector<double>(11, 1.0 / 11)));
}

TEST_CASE("mqar: gaps follow the power law, drawn one after another without replacement") {
  const Shape shape{.length = 64, .pairs = 4};
  const auto gaps = static_cast<std::int64_t>(28);
  for (const double a : {0.01, 0.5, 1.0, 2.0}) {
    CAPTURE(a);
    Given given = shape.given();
    given["power_a"] = a;
    const auto task = make_task("mqar", given);
    const std::vector<double> first = power_law(gaps, a);
    CHECK(fits(gap_counts(*task, shape, 0, 20000), first));
    std::vector<double> second(first.size());
    for (std::size_t j = 0; j < first.size(); ++j) {
      for (std::size_t i = 0; i < first.size(); ++i) {
        if (i != j) second[j] += first[i] * first[j] / (1 - first[i]);
      }
    }
    CHECK(fits(gap_counts(*task, shape, 1, 20000), second));
  }
}

TEST_CASE("mqar: guessing levels, slices and the oracle") {
  const auto task = make_task("mqar", {{"vocab_size", std::int64_t{21}}, {"pairs", std::int64_t{5}}});
  CHECK(task->chance().uniform == doctest::Approx(1.0 / 11));
  CHECK(task->chance().in_context.value() == doctest::Approx(0.2));
  CHECK(task->examples(Split::train) == 0);
  const Sample sample = task->sample(Split::valid, 3);
  REQUIRE(sample.slices.size() == 1);
  CHECK(sample.slices[0].by == "pairs");
  CHECK(sample.slices[0].value == 5);

  // The oracle sees tokens only: a key that comes twice is answered twice.
  const auto small = make_task(
      "mqar", {{"vocab_size", std::int64_t{12}}, {"length", std::int64_t{12}}, {"pairs", std::int64_t{2}}});
  CHECK(small->oracle({1, 7, 2, 9, 2, 0, 1, 2, 8, 1, 3, 11}).value() ==
        std::vector<std::int32_t>{7, -1, 9, -1, 9, -1, 7, 9, -1, 7, -1, -1});
}

TEST_CASE("mqar: a fixed training set is gone through once an epoch, each time in another order") {
  for (const std::int64_t count : {1, 2, 5, 100}) {
    CAPTURE(count);
    Given given = Shape{.vocab_size = 1024}.given();
    given["train_examples"] = count;
    const auto task = make_task("mqar", given);
    CHECK(task->examples(Split::train) == count);
    CHECK(task->examples(Split::valid) == 0);
    std::vector<std::vector<std::vector<std::int32_t>>> epochs(4);
    for (std::int64_t i = 0; i < 4 * count; ++i) {
      epochs[i / count].push_back(task->sample(Split::train, i).tokens);
    }
    const std::set<std::vector<std::int32_t>> all(epochs[0].begin(), epochs[0].end());
    CHECK(static_cast<std::int64_t>(all.size()) == count);
    for (std::size_t e = 1; e < epochs.size(); ++e) {
      CHECK(std::set<std::vector<std::int32_t>>(epochs[e].begin(), epochs[e].end()) == all);
      if (count == 100) CHECK(epochs[e] != epochs[e - 1]);
    }
  }
}

TEST_CASE("mqar: a fixed training set leaves validation and test as they are") {
  Given given = Shape{}.given();
  const auto fresh = make_task("mqar", given);
  given["train_examples"] = std::int64_t{3};
  const auto fixed = make_task("mqar", given);
  for (const Split split : {Split::valid, Split::test}) {
    for (std::int64_t i = 0; i < 20; ++i)
      CHECK(fixed->sample(split, i).tokens == fresh->sample(split, i).tokens);
  }
}

TEST_CASE("mqar: any two places of an epoch hold any two examples equally often") {
  Given given = Shape{.vocab_size = 1024}.given();
  given["train_examples"] = std::int64_t{9};
  const auto task = make_task("mqar", given);
  std::map<std::vector<std::int32_t>, std::size_t> number_of;
  for (std::int64_t i = 0; i < 9; ++i)
    number_of.emplace(task->sample(Split::train, i).tokens, number_of.size());
  REQUIRE(number_of.size() == 9);
  for (const std::int64_t other : {1, 3, 8}) {
    CAPTURE(other);
    std::vector<std::int64_t> counts(81);
    for (std::int64_t epoch = 0; epoch < 3000; ++epoch) {
      const std::size_t first = number_of.at(task->sample(Split::train, epoch * 9).tokens);
      const std::size_t second = number_of.at(task->sample(Split::train, epoch * 9 + other).tokens);
      ++counts[first * 9 + second];
    }
    std::vector<std::int64_t> different;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (i % 10 == 0) CHECK(counts[i] == 0);  // an example stands in one place only
      if (i % 10 != 0) different.push_back(counts[i]);
    }
    CHECK(fits(different, std::vector<double>(72, 1.0 / 72)));
  }
}

TEST_CASE("mqar: what does not fit together is refused with the numbers that would") {
  const auto integer = [](std::int64_t value) { return Value(value); };
  std::string message = refusal("mqar", {{"length", integer(65)}});
  CHECK(contains(message, "task.length: expected an even number"));
  CHECK(contains(message, "64 or 66"));
  message = refusal("mqar", {{"pairs", integer(17)}});
  CHECK(contains(message, "task.pairs: 17 do not fit task.length 64"));
  CHECK(contains(message, "At most 16 pairs fit"));
  message = refusal("mqar", {{"passes", integer(4)}});
  CHECK(contains(message, "= 80 tokens with task.passes 4. At most 6 pairs fit"));
  CHECK(make_task("mqar", {{"passes", integer(4)}, {"pairs", integer(6)}})->length() == 64);
  message = refusal("mqar", {{"vocab_size", integer(17)}});
  CHECK(contains(message,
                 "task.vocab_size: 17 has keys 1 to 7, too few for task.pairs 8; expected at least 18"));
  CHECK(contains(refusal("mqar", {{"fillers", Value(std::string("none"))}}), "one of: zero, distinct, any"));
}

}  // namespace
}  // namespace seqbench
