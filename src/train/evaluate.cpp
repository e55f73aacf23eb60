#include "train/evaluate.h"

#include <algorithm>
#include <optional>

#include "base/parallel.h"

namespace seqbench {
namespace {

// Of a split that has so many examples, 0 being no end.
std::int64_t count_of(const Task& task, Split split, std::int64_t examples) {
  const std::int64_t there = task.examples(split);
  return there > 0 && split != Split::train ? std::min(examples, there) : examples;
}

std::int64_t all_of(const Task& task, Split split, const Options& eval) {
  return std::max(task.examples(split), eval.integer("examples"));
}

struct FurtherTest {
  TaskSetting setting;
  std::unique_ptr<Task> task;  // none: `result` holds it already
};

// The task's own length stands among those asked for, and is tested once.
std::vector<FurtherTest> tests_to_do(const RunSpec& spec, const RunResult& result) {
  std::vector<FurtherTest> tests;
  for (const TaskSetting& setting : further_tests(spec)) {
    const bool known = setting.path == kOwnLength || std::ranges::find(result.settings, setting.options,
                                                                       &SettingMetrics::setting) !=
                                                         result.settings.end();
    tests.push_back({setting, known ? nullptr : make_task(spec, setting)});
  }
  return tests;
}

}  // namespace

Metrics Evaluator::score(const Task& task, Split split, std::int64_t most) const {
  const std::int64_t there = task.examples(split);
  const bool ends = there > 0 && split != Split::train;
  const std::int64_t count = count_of(task, split, most);
  const std::int64_t at_once = sequences_at_once(task.length(), rows);
  const std::int64_t units = (count + at_once - 1) / at_once;
  std::vector<Tally> tallies(static_cast<std::size_t>(units));
  std::vector<ExampleScores> by_unit(examples != nullptr ? static_cast<std::size_t>(units) : 0);
  std::vector<Arena> arenas(static_cast<std::size_t>(threads));
  parallel_for(threads, units, [&](int worker, std::int64_t unit) {
    std::optional<QuietGate::Busy> busy;
    if (gate != nullptr) busy.emplace(*gate);
    std::vector<Sample> samples;
    std::vector<std::int64_t> indices;
    for (std::int64_t i = unit * at_once; i < std::min((unit + 1) * at_once, count); ++i) {
      stop.check();
      indices.push_back(ends ? i * there / count : i);
      samples.push_back(task.sample(split, indices.back()));
    }
    Batch batch;
    batch.fill(samples);
    Arena& arena = arenas[static_cast<std::size_t>(worker)];
    arena.reset();
    Tape tape(model.parameters(), weights, nullptr, arena, stop);
    batch.run(tape, model);
    tallies[static_cast<std::size_t>(unit)].add(samples, batch.scores());
    if (examples != nullptr)
      by_unit[static_cast<std::size_t>(unit)] = example_scores(samples, indices, batch.scores());
    if (progress != nullptr) progress->done(std::ssize(samples), task.length());
  });
  Tally all;
  for (const Tally& tally : tallies) all.add(tally);
  if (examples != nullptr) {
    examples->emplace_back();
    for (const ExampleScores& unit : by_unit)
      examples->back().insert(examples->back().end(), unit.begin(), unit.end());
  }
  return all.metrics(task, split);
}

Metrics Evaluator::score_all(const Task& task, Split split, const Options& eval) const {
  return score(task, split, all_of(task, split, eval));
}

void Evaluator::expect(const Task& task, Split split, const Options& eval) const {
  if (progress != nullptr) progress->expect(count_of(task, split, all_of(task, split, eval)), task.length());
}

void Evaluator::test(const RunSpec& spec, const Task& task, RunResult& result) const {
  const std::vector<FurtherTest> further = tests_to_do(spec, result);
  const bool untested = result.test.examples == 0;
  if (untested) expect(task, Split::test, spec.eval);
  for (const FurtherTest& test : further) {
    if (test.task) expect(*test.task, Split::test, spec.eval);
  }
  if (untested) result.test = score_all(task, Split::test, spec.eval);
  std::vector<SettingMetrics> known = std::move(result.settings);
  result.settings.clear();
  for (const auto& [setting, other] : further) {
    if (setting.path == kOwnLength) {
      result.settings.push_back({setting.options, result.test});
      if (examples != nullptr) examples->emplace_back();  // they are those of the test
    } else if (other == nullptr) {
      result.settings.push_back(*std::ranges::find(known, setting.options, &SettingMetrics::setting));
    } else {
      result.settings.push_back({setting.options, score_all(*other, Split::test, spec.eval)});
    }
  }
}

}  // namespace seqbench
