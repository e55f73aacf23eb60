#include "train/score.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include "base/random.h"

namespace seqbench {
namespace {

constexpr std::size_t kFewSequences = 20;

std::uint64_t hash_of_sequence(const std::vector<std::int32_t>& tokens) {
  return hash_of(
      std::string_view(reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(tokens[0])));
}

std::size_t band_of(std::int64_t x) {
  return x == 0 ? 0 : static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(x - 1))) + 1;
}

std::int64_t end_of_band(std::size_t band) { return band == 0 ? 0 : std::int64_t{1} << (band - 1); }

Metrics::SliceMetrics slice_metrics(const std::string& by, std::int64_t value, const ScoreSum& sum) {
  const auto labels = static_cast<double>(sum.labels);
  return {.by = by,
          .value = value,
          .loss = sum.loss / labels,
          .accuracy = static_cast<double>(sum.correct) / labels,
          // Of labels, which are no examples, there is no such thing.
          .exact = sum.examples > 0 ? static_cast<double>(sum.exact) / static_cast<double>(sum.examples)
                                    : std::numeric_limits<double>::quiet_NaN(),
          .examples = sum.examples,
          .labels = sum.labels};
}

}  // namespace

void ScoreSum::add(const LabelScore& score, double known_surprise) {
  loss += score.loss;
  ++labels;
  correct += score.correct ? 1 : 0;
  if (known_surprise < 0) return;
  surprise += known_surprise;
  ++surprises;
}

void ScoreSum::add(const ScoreSum& other) {
  loss += other.loss;
  surprise += other.surprise;
  surprises += other.surprises;
  labels += other.labels;
  correct += other.correct;
  examples += other.examples;
  exact += other.exact;
}

void Tally::add(std::span<const Sample> samples, const std::vector<LabelScore>& scores) {
  const LabelScore* next = scores.data();
  for (const Sample& sample : samples) {
    add(sample, next);
    next += std::ranges::count_if(sample.labels, [](std::int32_t label) { return label != kIgnore; });
  }
}

void Tally::add(const Sample& sample, const LabelScore* scores) {
  ScoreSum example{.examples = 1};
  for (std::size_t t = 0; t < sample.labels.size(); ++t) {
    if (sample.labels[t] == kIgnore) continue;
    const LabelScore& score = *scores++;
    const double surprise = sample.surprise.empty() ? -1.0 : static_cast<double>(sample.surprise[t]);
    example.add(score, surprise);
    positions_[band_of(static_cast<std::int64_t>(t) + 1)].add(score, surprise);
    if (!sample.distances.empty()) distances_[band_of(sample.distances[t])].add(score, surprise);
  }
  example.exact = example.correct == example.labels ? 1 : 0;
  all_.add(example);
  const auto length = static_cast<std::int64_t>(sample.tokens.size());
  slices_[{"length", length}].add(example);
  note_sequence(length, hash_of_sequence(sample.tokens));
  for (const Slice& slice : sample.slices) slices_[{slice.by, slice.value}].add(example);
}

void Tally::add(const Tally& other) {
  all_.add(other.all_);
  for (std::size_t band = 0; band < positions_.size(); ++band) {
    positions_[band].add(other.positions_[band]);
    distances_[band].add(other.distances_[band]);
  }
  for (const auto& [key, sum] : other.slices_) slices_[key].add(sum);
  for (const auto& [length, hashes] : other.sequences_) {
    for (const std::uint64_t hash : hashes) note_sequence(length, hash);
  }
}

// Which 20 are kept depends on the order of addition; whether there are 20 does not.
void Tally::note_sequence(std::int64_t length, std::uint64_t hash) {
  std::set<std::uint64_t>& known = sequences_[length];
  if (known.size() < kFewSequences) known.insert(hash);
}

bool Tally::is_repeated(std::int64_t length, std::int64_t examples) const {
  const std::size_t different = sequences_.at(length).size();
  return different < kFewSequences && examples >= 2 * static_cast<std::int64_t>(different);
}

Metrics Tally::metrics(const Task& task, Split split) const {
  Metrics metrics = metrics_of(all_, task, split);
  // A text is cut into windows, of which the last is what is left over: no length that anyone asked about.
  const bool by_length = task.tokenizer() == nullptr && std::ranges::count_if(slices_, [](const auto& s) {
                                                          return s.first.first == "length";
                                                        }) > 1;
  for (const auto& [key, sum] : slices_) {
    if (sum.labels == 0) continue;
    if (key.first == "length" && (!by_length || is_repeated(key.second, sum.examples))) continue;
    metrics.slices.push_back(slice_metrics(key.first, key.second, sum));
  }
  for (const auto& [by, bands] : {std::pair<const char*, const Bands&>{"distance", distances_},
                                  std::pair<const char*, const Bands&>{"position", positions_}}) {
    if (std::ranges::count_if(bands, [](const ScoreSum& sum) { return sum.labels > 0; }) < 2) continue;
    for (std::size_t band = 0; band < bands.size(); ++band) {
      if (bands[band].labels > 0) metrics.slices.push_back(slice_metrics(by, end_of_band(band), bands[band]));
    }
  }
  return metrics;
}

Metrics metrics_of(const ScoreSum& sum, const Task& task, Split split) {
  Metrics metrics;
  metrics.chance = task.chance();
  metrics.examples = sum.examples;
  metrics.labels = sum.labels;
  metrics.errors = sum.labels - sum.correct;
  if (sum.labels == 0) return metrics;
  const auto labels = static_cast<double>(sum.labels);
  metrics.loss = sum.loss / labels;
  metrics.accuracy = static_cast<double>(sum.correct) / labels;
  metrics.exact = static_cast<double>(sum.exact) / static_cast<double>(sum.examples);
  if (sum.surprises == sum.labels) metrics.excess = (sum.loss - sum.surprise) / labels;
  if (task.tokenizer() != nullptr) {
    metrics.bits_per_byte = metrics.loss / std::numbers::ln2 / task.bytes_per_label(split);
  }
  metrics.accuracy_interval = wilson(metrics.accuracy, trials_of(metrics));
  return metrics;
}

std::int64_t trials_of(const Metrics& metrics) {
  return scored_by_loss(metrics) ? metrics.labels : metrics.examples;
}

Interval wilson(double share, std::int64_t count) {
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(count);
  const double centre = (share + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace seqbench
