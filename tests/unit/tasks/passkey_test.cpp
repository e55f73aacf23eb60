#include <algorithm>
#include <set>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

constexpr std::int64_t kExamples = 200;
constexpr const char* kFillers[] = {"constant", "random", "cycle", "needles"};

struct Shape {
  std::int64_t length = 64, value_length = 2, values = 10, keys = 6, needles = 1, fillers = 5;
  std::string filler = "random";
  Given given() const {
    return {{"length", length},   {"value_length", value_length}, {"values", values}, {"keys", keys},
            {"needles", needles}, {"fillers", fillers},           {"filler", filler}};
  }
  std::int32_t value(std::int64_t i) const { return static_cast<std::int32_t>(2 + keys + i); }
  std::int32_t filler_token(std::int64_t i) const { return value(values + i); }
  bool is_key(std::int32_t token) const { return token >= 2 && token < value(0); }
  bool is_value(std::int32_t token) const { return token >= value(0) && token < filler_token(0); }
};

struct Needle {
  std::int32_t key;
  std::size_t place;    // of its mark
  std::int64_t before;  // filler tokens
};

// A sequence taken apart: fillers and needles, then one question.
struct Parsed {
  std::vector<Needle> needles;
  std::vector<std::int32_t> fillers;
  std::size_t asked;  // place of ASK
};

Parsed parse(const Sample& sample, const Shape& shape) {
  Parsed parsed{};
  std::size_t t = 0;
  for (; sample.tokens.at(t) != 1; ++t) {
    if (sample.tokens[t] != 0) {
      REQUIRE(sample.tokens[t] >= shape.filler_token(0));
      parsed.fillers.push_back(sample.tokens[t]);
      continue;
    }
    parsed.needles.push_back({sample.tokens.at(t + 1), t, static_cast<std::int64_t>(parsed.fillers.size())});
    REQUIRE(shape.is_key(sample.tokens[++t]));
    for (std::int64_t i = 0; i < shape.value_length; ++i) REQUIRE(shape.is_value(sample.tokens.at(++t)));
  }
  parsed.asked = t;
  return parsed;
}

// The needle of the key that is asked for; there is exactly one.
std::size_t asked_needle(const Sample& sample, const Parsed& parsed) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < parsed.needles.size(); ++i) {
    if (parsed.needles[i].key == sample.tokens.at(parsed.asked + 1)) found.push_back(i);
  }
  REQUIRE(found.size() == 1);
  return found[0];
}

// From the asked key on each position has the next value as its label and, but for the first, the last one as
// its token; nothing else is scored.
void check_answer(const Sample& sample, const Parsed& parsed, const Shape& shape) {
  const std::size_t value = parsed.needles[asked_needle(sample, parsed)].place + 2;
  const std::size_t question = parsed.asked + 1;
  REQUIRE(sample.tokens.size() == question + shape.value_length);
  for (std::size_t t = 0; t < question; ++t) CHECK(sample.labels[t] == kIgnore);
  for (std::int64_t i = 0; i < shape.value_length; ++i) {
    CHECK(sample.labels[question + i] == sample.tokens[value + i]);
    if (i > 0) CHECK(sample.tokens[question + i] == sample.tokens[value + i - 1]);
    CHECK(sample.distances[question + i] == static_cast<std::int32_t>(question - value));
  }
}

std::int64_t depth_of(const Sample& sample) {
  REQUIRE(sample.slices.size() == 1);
  CHECK(sample.slices[0].by == "depth");
  return sample.slices[0].value;
}

TEST_CASE("passkey: needles, one haystack, one question, and its value as the answer") {
  for (const char* filler : kFillers) {
    for (const std::int64_t needles : {1, 3}) {
      for (const std::int64_t value_length : {1, 4}) {
        CAPTURE(filler);
        CAPTURE(needles);
        const Shape shape{.value_length = value_length, .needles = needles, .filler = filler};
        const auto task = make_task("passkey", shape.given());
        for (std::int64_t i = 0; i < kExamples; ++i) {
          const Sample sample = task->sample(Split::train, i);
          const Parsed parsed = parse(sample, shape);
          check_answer(sample, parsed, shape);
          CHECK(static_cast<std::int64_t>(sample.tokens.size()) == shape.length);
          if (shape.filler == "needles") continue;
          std::set<std::int32_t> keys;
          for (const Needle& needle : parsed.needles) keys.insert(needle.key);
          CHECK(static_cast<std::int64_t>(parsed.needles.size()) == needles);
          CHECK(static_cast<std::int64_t>(keys.size()) == needles);
        }
      }
    }
  }
}

TEST_CASE("passkey: every arrangement of needles is as likely, and so is each needle to be asked for") {
  const Shape shape{.length = 15, .values = 100, .needles = 2};  // 2 needles of 4 tokens, 4 fillers, 3 to ask
  const auto task = make_task("passkey", shape.given());
  std::map<std::vector<std::int64_t>, std::int64_t> seen;
  for (std::int64_t i = 0; i < 6000; ++i) {
    const Sample sample = task->sample(Split::train, i);
    const Parsed parsed = parse(sample, shape);
    ++seen[{parsed.needles[0].before, parsed.needles[1].before,
            static_cast<std::int64_t>(asked_needle(sample, parsed))}];
  }
  std::vector<std::int64_t> counts;
  for (const auto& [arrangement, count] : seen) counts.push_back(count);
  REQUIRE(counts.size() == 30);  // 6 choose 2, times 2
  CHECK(fits(counts, std::vector<double>(30, 1.0 / 30)));
}

TEST_CASE("passkey: depth is what of the haystack lies before the asked needle, in ten bands as frequent") {
  for (const char* filler : kFillers) {
    CAPTURE(filler);
    // 99 units of haystack: a hundred places for one needle of 4 tokens, ten in each band.
    const std::int64_t unit = std::string(filler) == "needles" ? 4 : 1;
    for (const std::int64_t needles : {1, 3}) {
      const Shape shape{.length = 99 * unit + 4 * needles + 3, .needles = needles, .filler = filler};
      const auto task = make_task("passkey", shape.given());
      std::vector<std::int64_t> counts(10);
      for (std::int64_t i = 0; i < 2000; ++i) {
        const Sample sample = task->sample(Split::train, i);
        const std::int64_t depth = depth_of(sample);
        REQUIRE((depth >= 0 && depth <= 90 && depth % 10 == 0));
        ++counts[depth / 10];
        const Parsed parsed = parse(sample, shape);
        const std::size_t asked = asked_needle(sample, parsed);
        const std::int64_t before =
            unit == 1 ? parsed.needles[asked].before : static_cast<std::int64_t>(asked);
        if (unit == 1 || needles == 1) CHECK(depth == before / 10 * 10);
      }
      CHECK(fits(counts, std::vector<double>(10, 0.1)));
    }
  }
}

TEST_CASE("passkey: constant fillers are one token, random ones uniform, a cycle goes on over the needles") {
  for (const char* filler : {"constant", "random", "cycle"}) {
    CAPTURE(filler);
    const Shape shape{.needles = 2, .filler = filler};
    const auto task = make_task("passkey", shape.given());
    std::vector<std::int64_t> counts(5), starts(5), steps(5);
    for (std::int64_t i = 0; i < 1000; ++i) {
      const std::vector<std::int32_t> fillers = parse(task->sample(Split::train, i), shape).fillers;
      REQUIRE(fillers.size() == 64 - 2 * 4 - 3);
      for (const std::int32_t token : fillers) ++counts.at(token - shape.filler_token(0));
      ++starts[fillers[0] - shape.filler_token(0)];
      for (std::size_t j = 1; j < fillers.size(); ++j) ++steps[(fillers[j] - fillers[j - 1] + 5) % 5];
    }
    const std::vector<double> uniform(5, 0.2);
    const auto all = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    if (shape.filler == "constant") CHECK(counts[0] == all);
    if (shape.filler == "random") CHECK((fits(counts, uniform) && fits(steps, uniform)));
    if (shape.filler == "cycle") CHECK((fits(starts, uniform) && steps[1] == all - 1000));
  }
}

TEST_CASE("passkey: a haystack of needles has other keys than the hidden ones, and fillers in front") {
  const Shape shape{.length = 66, .keys = 5, .filler = "needles"};
  const auto task = make_task("passkey", shape.given());
  std::vector<std::int64_t> keys(4);
  for (std::int64_t i = 0; i < 1000; ++i) {
    const Sample sample = task->sample(Split::train, i);
    const Parsed parsed = parse(sample, shape);
    CHECK(parsed.needles.size() == 15);  // 66 - 3 = 15 * 4 + 3
    CHECK(parsed.fillers == std::vector<std::int32_t>(3, shape.filler_token(0)));
    for (const Needle& needle : parsed.needles) CHECK(needle.before == 3);
    const std::int32_t asked = sample.tokens[parsed.asked + 1];
    for (const Needle& needle : parsed.needles) {
      if (needle.key != asked) ++keys[(needle.key - asked + 5) % 5 - 1];
    }
  }
  CHECK(fits(keys, std::vector<double>(4, 0.25)));

  // The least number of keys: all the haystack's needles share the one that is left.
  const Shape least{.length = 67, .keys = 4, .needles = 3, .filler = "needles"};
  const auto crowded = make_task("passkey", least.given());
  for (std::int64_t i = 0; i < kExamples; ++i) {
    std::map<std::int32_t, int> times;
    for (const Needle& needle : parse(crowded->sample(Split::train, i), least).needles) ++times[needle.key];
    REQUIRE(times.size() == 4);
    CHECK(std::ranges::count(times, 1, [](const auto& entry) { return entry.second; }) == 3);
  }
}

TEST_CASE("passkey: keys and values are uniform") {
  const Shape shape{.needles = 2};
  const auto task = make_task("passkey", shape.given());
  std::vector<std::int64_t> asked(6), values(100);
  for (std::int64_t i = 0; i < 3000; ++i) {
    const Sample sample = task->sample(Split::train, i);
    const std::size_t question = sample.tokens.size() - 2;
    ++asked[sample.tokens[question] - 2];
    ++values[(sample.labels[question] - shape.value(0)) * 10 + sample.labels[question + 1] - shape.value(0)];
  }
  CHECK(fits(asked, std::vector<double>(6, 1.0 / 6)));
  CHECK(fits(values, std::vector<double>(100, 0.01)));
}

TEST_CASE("passkey: lengths are uniform from min_length to length") {
  for (const char* filler : kFillers) {
    Shape shape{.length = 23, .filler = filler};
    Given given = shape.given();
    given["min_length"] = std::int64_t{10};
    const auto task = make_task("passkey", given);
    std::vector<std::int64_t> counts(14);
    for (std::int64_t i = 0; i < 3000; ++i) {
      const Sample sample = task->sample(Split::train, i);
      check_answer(sample, parse(sample, shape), shape);
      ++counts.at(sample.tokens.size() - 10);
    }
    CHECK(fits(counts, std::vector<double>(14, 1.0 / 14)));
  }
}

TEST_CASE("passkey: guessing levels, spellings and the oracle") {
  Shape shape{.value_length = 3};
  const auto task = make_task("passkey", shape.given());
  CHECK(task->chance().uniform == doctest::Approx(0.1));
  CHECK(task->chance().exact.value() == doctest::Approx(0.001));
  CHECK_FALSE(task->chance().in_context.has_value());
  CHECK(task->vocab_size() == 2 + 6 + 10 + 5);
  std::string spelled;
  for (const std::int32_t token : {0, 1, 2, 7, 8, 17, 18, 22}) spelled += task->spelled(token) + " ";
  CHECK(spelled == "MARK ASK k0 k5 v0 v9 f0 f4 ");

  // Of four needles one is right; another is by chance.
  shape.needles = 4;
  CHECK(make_task("passkey", shape.given())->chance().in_context.value() == doctest::Approx(0.25 + 0.075));

  CHECK(task->oracle({18, 0, 2, 8, 9, 10, 0, 3, 11, 12, 13, 1, 3, 11, 12}).value() ==
        std::vector<std::int32_t>{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 11, 12, 13});
  for (const auto& broken : std::vector<std::vector<std::int32_t>>{{}, {1}, {18, 1, 2}, {0, 2, 1, 2, 8}}) {
    CHECK(task->oracle(broken).value().size() == broken.size());
  }
}

TEST_CASE("passkey: the oracle knows every kind of haystack") {
  for (const char* filler : kFillers) {
    const Shape shape{.value_length = 4, .needles = 3, .filler = filler};
    const auto task = make_task("passkey", shape.given());
    for (std::int64_t i = 0; i < kExamples; ++i) {
      const Sample sample = task->sample(Split::test, i);
      CHECK(task->oracle(sample.tokens).value() == sample.labels);
    }
  }
}

TEST_CASE("passkey: the tightest and the largest shapes work") {
  for (const char* filler : kFillers) {
    const Shape tight{.length = 3 * 4 + 3, .keys = 4, .needles = 3, .fillers = 1, .filler = filler};
    const auto task = make_task("passkey", tight.given());
    for (std::int64_t i = 0; i < kExamples; ++i) {
      const Sample sample = task->sample(Split::train, i);
      check_answer(sample, parse(sample, tight), tight);
      CHECK(depth_of(sample) == 0);
    }
    const Shape large{.length = 1 << 20,
                      .value_length = 5,
                      .values = 65536,
                      .keys = 65536,
                      .needles = 65535,
                      .fillers = 65536,
                      .filler = filler};
    const Sample sample = make_task("passkey", large.given())->sample(Split::train, 0);
    CHECK(sample.tokens.size() == 1 << 20);
  }
}

TEST_CASE("passkey: shapes that do not fit are refused with what would") {
  const std::string room = refusal("passkey", Shape{.length = 14, .needles = 3}.given());
  CHECK(contains(room, "task.length: expected at least 15"));
  CHECK(contains(room, "task.needles 3 and task.value_length 2), got 14"));
  Given given = Shape{}.given();
  given["min_length"] = std::int64_t{6};
  CHECK(contains(refusal("passkey", given), "task.min_length: expected at least 7"));
  given["min_length"] = std::int64_t{65};
  CHECK(contains(refusal("passkey", given), "task.min_length: expected at most task.length 64"));
  const std::string keys = refusal("passkey", Shape{.keys = 2, .needles = 3}.given());
  CHECK(contains(keys, "task.keys: expected at least 3 (one for each of task.needles), got 2"));
  const std::string haystack =
      refusal("passkey", Shape{.keys = 3, .needles = 3, .filler = "needles"}.given());
  CHECK(contains(haystack, "task.keys: expected at least 4"));
  CHECK(contains(haystack, "one for the haystack"));
}

}  // namespace
}  // namespace seqbench
