#include "train/batch.h"

#include <algorithm>

namespace seqbench {
namespace {
constexpr std::int64_t kRows = 512;
}

std::int64_t sequences_at_once(std::int64_t length) { return std::max<std::int64_t>(1, kRows / length); }

void Batch::clear() {
  tokens_.clear();
  rows_.clear();
  labels_.clear();
  first_label_.clear();
}

void Batch::add(const Sample& sample) {
  first_label_.push_back(labels_.size());
  for (std::size_t t = 0; t < sample.labels.size(); ++t) {
    if (sample.labels[t] == kIgnore) continue;
    rows_.push_back(static_cast<std::int32_t>(tokens_.size() + t));
    labels_.push_back(sample.labels[t]);
  }
  tokens_.insert(tokens_.end(), sample.tokens.begin(), sample.tokens.end());
}

void Batch::run(Tape& tape, const LanguageModel& model) {
  model.score(tape, tokens_, examples(), rows_, labels_, scores_);
  tape.backward();
}

ExampleScore Batch::score_of(std::int64_t i) const {
  const auto index = static_cast<std::size_t>(i);
  const std::size_t end = index + 1 < first_label_.size() ? first_label_[index + 1] : labels_.size();
  ExampleScore score;
  for (std::size_t l = first_label_[index]; l < end; ++l) {
    score.loss += scores_.loss[l];
    score.correct += scores_.best[l] == labels_[l] ? 1 : 0;
    ++score.labels;
  }
  return score;
}

}  // namespace seqbench
