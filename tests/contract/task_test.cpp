// What every task promises, whatever it is: src/task/task.h, held against each one that is registered. A task
// must work with its defaults; one that reads files is given a made-up text.
#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "base/parallel.h"
#include "task/generated.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

constexpr Split kSplits[] = {Split::train, Split::valid, Split::test};
constexpr std::int64_t kExamples = 200;

// Calls f(entry, given) for every task.
template <class F>
void for_every_task(const F& f) {
  const TemporaryFolder folder;
  const std::string file = folder.write("text.txt", random_text(40000));
  REQUIRE_FALSE(tasks().all().empty());
  for (const TaskEntry& entry : tasks().all()) {
    CAPTURE(entry.name);
    Given given;
    if (std::ranges::find(entry.options, "files", &Option::name) != entry.options.end())
      given["files"] = Texts{file};
    f(entry, given);
  }
}

// How many examples of a split to look at: at most kExamples.
std::int64_t looked_at(const Task& task, Split split) {
  const std::int64_t there = task.examples(split);
  return there == 0 ? kExamples : std::min(there, kExamples);
}

bool same(const Sample& a, const Sample& b) {
  return a.tokens == b.tokens && a.labels == b.labels &&
         std::ranges::equal(a.slices, b.slices, [](const Slice& x, const Slice& y) {
           return x.by == y.by && x.value == y.value;
         });
}

// What decides an answer has been read when it is asked for.
void check_distances(const Sample& sample) {
  if (sample.distances.empty()) return;
  REQUIRE(sample.distances.size() == sample.tokens.size());
  for (std::size_t t = 0; t < sample.labels.size(); ++t) {
    if (sample.labels[t] == kIgnore) continue;
    CHECK(sample.distances[t] >= 0);
    CHECK(sample.distances[t] <= static_cast<std::int32_t>(t));
  }
}

void check_sample(const Sample& sample, const Task& task) {
  const auto in_vocabulary = [&](std::int32_t token) { return token >= 0 && token < task.vocab_size(); };
  REQUIRE(sample.tokens.size() > 0);
  REQUIRE(static_cast<std::int64_t>(sample.tokens.size()) <= task.length());
  REQUIRE(sample.labels.size() == sample.tokens.size());
  CHECK(std::ranges::all_of(sample.tokens, in_vocabulary));
  CHECK(std::ranges::all_of(sample.labels, [&](std::int32_t l) { return l == kIgnore || in_vocabulary(l); }));
  CHECK(std::ranges::any_of(sample.labels, in_vocabulary));
  check_distances(sample);
  REQUIRE((sample.surprise.empty() || sample.surprise.size() == sample.tokens.size()));
  for (std::size_t t = 0; t < sample.surprise.size(); ++t)
    CHECK((sample.labels[t] == kIgnore || (sample.surprise[t] >= 0 && std::isfinite(sample.surprise[t]))));
  CHECK(std::ranges::none_of(sample.slices, [](const Slice& slice) { return slice.by.empty(); }));
}

TEST_CASE("tasks: an entry says what it is, and has a length") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    CHECK_FALSE(entry.summary.empty());
    CHECK_FALSE(entry.source.empty());
    CHECK(entry.version >= 1);
    for (const Option& option : entry.options) CHECK_FALSE(option.help.empty());
    const std::int64_t length = make_task(entry.name, given)->length();
    Given longer = given;
    longer["length"] = 2 * length;
    CHECK(make_task(entry.name, longer)->length() == 2 * length);
  });
}

TEST_CASE("tasks: samples have the task's length, tokens of its vocabulary, and something to score") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    const auto task = make_task(entry.name, given, 3);
    for (const Split split : kSplits) {
      for (std::int64_t i = 0; i < looked_at(*task, split); ++i) check_sample(task->sample(split, i), *task);
    }
    CHECK(task->chance().uniform > 0);
    CHECK(task->chance().uniform < 1);
    CHECK(task->chance().in_context.value_or(1) >= task->chance().uniform);
    CHECK(task->chance().in_context.value_or(1) <= 1);
  });
}

TEST_CASE("tasks: the same seed, split and index give the same sample, in any order and any thread") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    const auto task = make_task(entry.name, given, 3);
    const auto again = make_task(entry.name, given, 3);
    for (const Split split : kSplits) {
      const std::int64_t count = looked_at(*task, split);
      std::vector<Sample> samples(static_cast<std::size_t>(count));
      parallel_for(4, count, [&](int, std::int64_t i) { samples[i] = task->sample(split, i); });
      for (std::int64_t i = count - 1; i >= 0; --i) CHECK(same(samples[i], again->sample(split, i)));
    }
  });
}

TEST_CASE("tasks: examples differ from each other, from split to split, and in training from seed to seed") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    Given longest = given;  // of a few tokens there are few sequences
    if (std::ranges::find(entry.options, "min_length", &Option::name) != entry.options.end())
      longest["min_length"] = std::int64_t{0};
    const auto task = make_task(entry.name, longest, 3);
    const auto other = make_task(entry.name, longest, 4);
    std::vector<std::vector<std::int32_t>> seen;
    for (const Split split : kSplits) {
      for (std::int64_t i = 0; i < std::min<std::int64_t>(looked_at(*task, split), 20); ++i) {
        seen.push_back(task->sample(split, i).tokens);
      }
    }
    for (std::int64_t i = 0; i < 20; ++i) seen.push_back(other->sample(Split::train, i).tokens);
    const std::size_t drawn = seen.size();
    std::ranges::sort(seen);
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    CHECK(seen.size() == drawn);
  });
}

TEST_CASE("tasks: no sequence that is drawn can be in two splits") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    const auto task = make_task(entry.name, given, 3);
    if (dynamic_cast<const GeneratedTask*>(task.get()) == nullptr) return;  // a text is cut, not drawn
    for (const Split split : kSplits) {
      for (std::int64_t i = 0; i < kExamples; ++i) CHECK(split_of(task->sample(split, i).tokens) == split);
    }
  });
}

TEST_CASE("tasks: every token has a spelling of its own") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    const auto task = make_task(entry.name, given);
    std::set<std::string> spellings;
    for (std::int32_t token = 0; token < task->vocab_size(); ++token) {
      CHECK_FALSE(task->spelled(token).empty());
      spellings.insert(task->spelled(token));
    }
    CHECK(static_cast<std::int64_t>(spellings.size()) == task->vocab_size());
  });
}

TEST_CASE("tasks: the oracle is right wherever there is a label, also at twice the length") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    Given longer = given;
    longer["length"] = 2 * make_task(entry.name, given)->length();
    for (const Given& options : {given, longer}) {
      const auto task = make_task(entry.name, options, 5);
      for (const Split split : kSplits) {
        for (std::int64_t i = 0; i < looked_at(*task, split); ++i) {
          const Sample sample = task->sample(split, i);
          const auto answers = task->oracle(sample.tokens);
          if (!answers) continue;
          REQUIRE(answers->size() == sample.labels.size());
          for (std::size_t t = 0; t < sample.labels.size(); ++t) {
            if (sample.labels[t] != kIgnore) CHECK((*answers)[t] == sample.labels[t]);
          }
        }
      }
    }
  });
}

TEST_CASE("tasks: an index that no example has is an error, but training goes on for ever") {
  for_every_task([](const TaskEntry& entry, const Given& given) {
    const auto task = make_task(entry.name, given);
    for (const Split split : kSplits) {
      CHECK_THROWS_AS(task->sample(split, -1), std::out_of_range);
      const std::int64_t there = task->examples(split);
      CHECK(there >= 0);
      if (there > 0 && split != Split::train) {
        CHECK_NOTHROW(task->sample(split, there - 1));
        CHECK_THROWS_AS(task->sample(split, there), std::out_of_range);
      } else {
        check_sample(task->sample(split, there + 1000000007), *task);
      }
    }
  });
}

}  // namespace
}  // namespace seqbench
