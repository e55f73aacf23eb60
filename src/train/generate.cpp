#include "train/generate.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "base/random.h"
#include "kernels/matmul.h"

namespace seqbench {
namespace {

constexpr std::int64_t kPiece = 512;  // tokens read at once

class Writer {
 public:
  Writer(const LanguageModel& model, const Buffer& weights)
      : model_(model), weights_(weights), state_(model.empty_state(1, DType::f32)) {}

  // Reads all of `tokens` that has not been read, and returns the logits after the last one.
  std::vector<float> read(const std::vector<std::int32_t>& tokens) {
    const std::int64_t longest = model_.longest();
    if (longest > 0 && state_.tokens + std::ssize(tokens) - read_ > longest) {
      state_ = model_.empty_state(1, DType::f32);
      read_ = std::max<std::int64_t>(0, std::ssize(tokens) - std::max<std::int64_t>(1, longest / 2));
    }
    std::vector<float> logits;
    while (read_ < std::ssize(tokens)) {
      const std::int64_t count = std::min(kPiece, std::ssize(tokens) - read_);
      arena_.reset();
      Tape tape(model_.parameters(), weights_, nullptr, arena_);
      const Tensor out = model_.extend(tape, std::span(tokens).subspan(read_, count), state_);
      logits.assign(out.as<float>(), out.as<float>() + out.shape.size());
      read_ += count;
    }
    return logits;
  }

 private:
  const LanguageModel& model_;
  const Buffer& weights_;
  DecodeState state_;
  Arena arena_;
  std::int64_t read_ = 0;
};

std::int32_t drawn(const std::vector<float>& logits, double temperature, Random& random) {
  const auto best = std::ranges::max_element(logits);
  if (temperature == 0) return static_cast<std::int32_t>(best - logits.begin());
  std::vector<double> sums;
  double sum = 0;
  for (const float logit : logits) {
    sum += std::exp(static_cast<double>(logit - *best) / temperature);
    sums.push_back(sum);
  }
  const auto found = std::ranges::upper_bound(sums, random.uniform() * sum);
  return static_cast<std::int32_t>(std::min(found - sums.begin(), std::ssize(sums) - 1));
}

}  // namespace

std::vector<std::int32_t> generate(const LanguageModel& model, const Buffer& weights,
                                   const std::vector<std::int32_t>& prompt, const Sampling& sampling) {
  kernels::use_one_thread_per_kernel();
  Writer writer(model, weights);
  Random random(sampling.seed, "sample");
  std::vector<std::int32_t> tokens = prompt;
  for (std::int64_t i = 0; i < sampling.tokens; ++i) {
    const std::vector<float> logits = writer.read(tokens);
    fail_if(!std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); }),
            "The model's scores of the token after {} are not all finite: its weights hold NaN, infinity or numbers "
            "that overflow. Take a model whose training did not diverge.",
            std::ssize(tokens));
    tokens.push_back(drawn(logits, sampling.temperature, random));
  }
  return {tokens.begin() + std::ssize(prompt), tokens.end()};
}

}  // namespace seqbench
