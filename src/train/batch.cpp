#include "train/batch.h"

#include <algorithm>

namespace seqbench {
namespace {

constexpr std::int32_t kPadding = 0;

std::int64_t length_of(const Sample& sample) { return static_cast<std::int64_t>(sample.tokens.size()); }

}  // namespace

std::int64_t sequences_at_once(std::int64_t length, std::int64_t rows) {
  return std::max<std::int64_t>(1, rows / length);
}

std::vector<std::span<const Sample>> stretches(std::span<const Sample> samples) {
  std::vector<std::span<const Sample>> all;
  while (!samples.empty()) {
    std::int64_t longest = length_of(samples[0]);
    std::size_t count = 1;
    for (; count < samples.size(); ++count) {
      longest = std::max(longest, length_of(samples[count]));
      if (longest * static_cast<std::int64_t>(count + 1) > kRows) break;
    }
    all.push_back(samples.first(count));
    samples = samples.subspan(count);
  }
  return all;
}

void Batch::fill(std::span<const Sample> samples) {
  tokens_.clear();
  rows_.clear();
  labels_.clear();
  tokens_read_ = 0;
  examples_ = std::ssize(samples);
  std::int64_t longest = 0;
  for (const Sample& sample : samples) longest = std::max(longest, length_of(sample));
  for (const Sample& sample : samples) {
    for (std::size_t t = 0; t < sample.labels.size(); ++t) {
      if (sample.labels[t] == kIgnore) continue;
      rows_.push_back(static_cast<std::int32_t>(tokens_.size() + t));
      labels_.push_back(sample.labels[t]);
    }
    tokens_read_ += length_of(sample);
    tokens_.insert(tokens_.end(), sample.tokens.begin(), sample.tokens.end());
    tokens_.insert(tokens_.end(), static_cast<std::size_t>(longest - length_of(sample)), kPadding);
  }
}

void Batch::run(Tape& tape, const LanguageModel& model) {
  model.score(tape, tokens_, examples_, rows_, labels_, scores_);
  tape.backward();
  label_scores_.clear();
  for (std::size_t l = 0; l < labels_.size(); ++l)
    label_scores_.push_back({.loss = scores_.loss[l], .correct = scores_.best[l] == labels_[l]});
}

}  // namespace seqbench
