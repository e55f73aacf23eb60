#include "train/evaluate.h"

#include <algorithm>
#include <optional>

#include "base/parallel.h"

namespace seqbench {
namespace {

bool has_length(const Metrics& metrics, std::int64_t length) {
  return std::ranges::any_of(metrics.slices,
                             [&](const auto& s) { return s.by == "length" && s.value == length; });
}

// A test at one length stands among the test's slices too, so that what differs in length only is in one
// place.
void add_length(Metrics& test, std::int64_t length, const Metrics& m) {
  if (has_length(test, length)) return;
  test.slices.push_back({"length", length, m.loss, m.accuracy, m.exact, m.examples, m.labels});
}

}  // namespace

Metrics Evaluator::score(const Task& task, Split split, std::int64_t examples) const {
  const std::int64_t there = task.examples(split);
  const bool ends = there > 0 && split != Split::train;
  const std::int64_t count = ends ? std::min(examples, there) : examples;
  const std::int64_t at_once = sequences_at_once(task.length(), rows);
  const std::int64_t units = (count + at_once - 1) / at_once;
  std::vector<Tally> tallies(static_cast<std::size_t>(units));
  std::vector<Arena> arenas(static_cast<std::size_t>(threads));
  parallel_for(threads, units, [&](int worker, std::int64_t unit) {
    std::optional<QuietGate::Busy> busy;
    if (gate != nullptr) busy.emplace(*gate);
    std::vector<Sample> samples;
    for (std::int64_t i = unit * at_once; i < std::min((unit + 1) * at_once, count); ++i) {
      stop.check();
      samples.push_back(task.sample(split, ends ? i * there / count : i));
    }
    Batch batch;
    batch.fill(samples);
    Arena& arena = arenas[static_cast<std::size_t>(worker)];
    arena.reset();
    Tape tape(model.parameters(), weights, nullptr, arena, stop);
    batch.run(tape, model);
    tallies[static_cast<std::size_t>(unit)].add(samples, batch.scores());
  });
  Tally all;
  for (const Tally& tally : tallies) all.add(tally);
  return all.metrics(task, split);
}

Metrics Evaluator::score_all(const Task& task, Split split, const Options& eval) const {
  return score(task, split, std::max(task.examples(split), eval.integer("examples")));
}

void Evaluator::test(const RunSpec& spec, const Task& task, RunResult& result) const {
  result.test = score_all(task, Split::test, spec.eval);
  const std::vector<TaskSetting> further = further_tests(spec);
  const bool one_length =
      std::ranges::none_of(result.test.slices, [](const auto& s) { return s.by == "length"; });
  if (!spec.eval.integers("lengths").empty() && one_length) {
    add_length(result.test, task.length(), result.test);
  }
  for (const TaskSetting& setting : further) {
    const std::unique_ptr<Task> other = make_task(spec, setting);
    const Metrics metrics = score_all(*other, Split::test, spec.eval);
    if (setting.path == "eval.lengths") add_length(result.test, other->length(), metrics);
    result.settings.push_back({setting.options, metrics});
  }
}

}  // namespace seqbench
