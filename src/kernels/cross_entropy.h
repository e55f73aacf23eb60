// Cross-entropy of rows of logits against one label each.
#pragma once
#include "kernels/naive/cross_entropy.h"

namespace seqbench::kernels {

// For logits[rows, vocab]: loss[r] = log sum exp(logits) - logits[label], in nats; best[r] = the token with
// the largest logit, the first of equals. With `gradient`, logits become those of the sum of losses: softmax
// - one at the label. A row that holds a NaN or an infinity has a loss that is not
// finite, and -1 for its best token: no label is right.
void cross_entropy(std::int64_t rows, std::int64_t vocab, float* logits, const std::int32_t* labels,
                   double* loss, std::int32_t* best, bool gradient);
inline void cross_entropy(std::int64_t rows, std::int64_t vocab, double* logits, const std::int32_t* labels,
                          double* loss, std::int32_t* best, bool gradient) {
  naive::cross_entropy(rows, vocab, logits, labels, loss, best, gradient);
}

}  // namespace seqbench::kernels
