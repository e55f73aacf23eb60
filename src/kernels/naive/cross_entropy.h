#pragma once
#include <cmath>
#include <cstdint>

namespace seqbench::naive {

template <class T>
void cross_entropy(std::int64_t rows, std::int64_t vocab, T* logits, const std::int32_t* labels, double* loss,
                   std::int32_t* best, bool gradient) {
  for (std::int64_t r = 0; r < rows; ++r, logits += vocab) {
    std::int64_t top = 0;
    for (std::int64_t c = 1; c < vocab; ++c) {
      if (logits[c] > logits[top]) top = c;
    }
    double sum = 0;
    for (std::int64_t c = 0; c < vocab; ++c) {
      const auto logit = static_cast<double>(logits[c]);
      sum += std::exp(logit - static_cast<double>(logits[top])) + 0.0 * logit;  // NaN of an infinity too
    }
    const double log_sum = static_cast<double>(logits[top]) + std::log(sum);
    loss[r] = log_sum - static_cast<double>(logits[labels[r]]);
    best[r] = std::isnan(sum) ? -1 : static_cast<std::int32_t>(top);
    if (!gradient) continue;
    for (std::int64_t c = 0; c < vocab; ++c) {
      logits[c] =
          static_cast<T>(std::exp(static_cast<double>(logits[c]) - log_sum) - (c == labels[r] ? 1.0 : 0.0));
    }
  }
}

}  // namespace seqbench::naive
