#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "base/parallel.h"

namespace seqbench {
namespace {

std::int64_t examples_read(const Task& task, Split split, std::int64_t asked) {
  const std::int64_t there = task.examples(split);
  if (there == 0) return asked;
  return split == Split::test ? there : std::min(asked, there);
}

struct Read {
  ExampleScore score;
  std::vector<Slice> slices;
};

Metrics::SliceMetrics slice_metrics(const Slice& slice, const ScoreSum& sum, const Task& task) {
  const Metrics m = metrics_of(sum, task);
  return {slice.by, slice.value, m.loss, m.accuracy, m.exact, m.examples};
}

}  // namespace

Interval wilson(double share, std::int64_t count) {
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(count);
  const double centre = (share + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Metrics metrics_of(const ScoreSum& sum, const Task& task) {
  Metrics metrics;
  metrics.chance = task.chance();
  metrics.examples = sum.examples;
  metrics.labels = sum.labels;
  if (sum.labels == 0) return metrics;
  const auto labels = static_cast<double>(sum.labels);
  metrics.loss = sum.loss / labels;
  metrics.accuracy = static_cast<double>(sum.correct) / labels;
  metrics.exact = static_cast<double>(sum.exact) / static_cast<double>(sum.examples);
  metrics.accuracy_interval = wilson(metrics.accuracy, sum.examples);
  if (task.tokenizer() != nullptr) metrics.bits_per_byte = metrics.loss / std::numbers::ln2;
  return metrics;
}

Metrics evaluate(const Task& task, const LanguageModel& model, const Buffer& weights, Split split,
                 std::int64_t examples, int threads) {
  const std::int64_t count = examples_read(task, split, examples);
  const std::int64_t at_once = sequences_at_once(task.length());
  std::vector<Read> read(static_cast<std::size_t>(count));
  std::vector<Arena> arenas(static_cast<std::size_t>(threads));
  parallel_for(threads, (count + at_once - 1) / at_once, [&](int worker, std::int64_t unit) {
    const std::int64_t first = unit * at_once;
    const std::int64_t end = std::min(first + at_once, count);
    Batch batch;
    for (std::int64_t i = first; i < end; ++i) {
      Sample sample = task.sample(split, i);
      batch.add(sample);
      read[static_cast<std::size_t>(i)].slices = std::move(sample.slices);
    }
    Arena& arena = arenas[static_cast<std::size_t>(worker)];
    arena.reset();
    Tape tape(model.parameters(), weights, nullptr, arena);
    batch.run(tape, model);
    for (std::int64_t i = first; i < end; ++i)
      read[static_cast<std::size_t>(i)].score = batch.score_of(i - first);
  });

  ScoreSum all;
  std::map<std::pair<std::string, std::int64_t>, ScoreSum> by_slice;
  for (const Read& example : read) {
    all.add(example.score);
    for (const Slice& slice : example.slices) by_slice[{slice.by, slice.value}].add(example.score);
  }
  Metrics metrics = metrics_of(all, task);
  for (const auto& [key, sum] : by_slice) {
    metrics.slices.push_back(slice_metrics({key.first, key.second}, sum, task));
  }
  return metrics;
}

}  // namespace seqbench
