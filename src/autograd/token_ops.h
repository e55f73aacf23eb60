// The two ends of a language model, on a tape: from tokens to rows, and from rows to the loss.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "autograd/tape.h"

namespace seqbench {

// Rows of table[V, D] for tokens [batch, length], plus positions[t + first] when `positions` is given:
// y[batch, length, D]. `tokens` must outlive the tape.
Tensor embed(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch, const Tensor& table,
             const Tensor* positions, std::int64_t first_position);

// The rows of x that `rows` names, each at most once: y[rows, D]. `rows` must outlive the tape.
Tensor select_rows(Tape& tape, const Tensor& x, std::span<const std::int32_t> rows);

// x[R, D] table[V, D]^T: logits[R, V]. For reading them; training uses score().
Tensor logits(Tape& tape, const Tensor& x, const Tensor& table);

// What each row of score() comes to.
struct Scores {
  std::vector<double> loss;        // nats
  std::vector<std::int32_t> best;  // the token with the largest logit
};

// The end of a training or evaluation pass: cross-entropy of x[R, D] table[V, D]^T against labels[R]. When
// recording, the gradient of the SUM of the losses is written to x and table at once, so that logits live
// only in tiles; call tape.backward() next. Replaces what `scores` holds.
void score(Tape& tape, const Tensor& x, const Tensor& table, std::span<const std::int32_t> labels,
           Scores& scores);

}  // namespace seqbench
