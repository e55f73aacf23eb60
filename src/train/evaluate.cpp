#include "train/evaluate.h"

#include <algorithm>
#include <optional>

#include "base/parallel.h"

namespace seqbench {
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
  for (const TaskSetting& setting : further_tests(spec)) {
    // The task's own length stands among those asked for, and has been tested.
    const bool own = setting.path == kOwnLength;
    result.settings.push_back(
        {setting.options, own ? result.test : score_all(*make_task(spec, setting), Split::test, spec.eval)});
  }
}

}  // namespace seqbench
