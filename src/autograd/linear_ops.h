// Linear attention, on a tape.
#pragma once
#include <cstdint>
#include <vector>

#include "autograd/state.h"
#include "kernels/taylor.h"

namespace seqbench {

// How linear attention sums: see LinearShape in kernels/naive/linear_attention.h.
struct LinearRule {
  std::int64_t heads = 1;
  std::int64_t chunk = 64;
  bool normalise = true;
  std::vector<double> log_decay = {};  // log a of every head, none above 0; empty: no head decays
  bool floored = false;

  // Of a state: [batch, heads, numbers of S and, normalised, z].
  Shape state_shape(std::int64_t batch, std::int64_t key_width, std::int64_t value_width) const;
};

// Linear attention of the features q, k[B, L, heads * key_dim] and v[B, L, heads * value_dim]: o like v.
// `state`: as rule.state_shape() says, or null to start from zeros. `first`: the position of the first token.
Tensor linear_attention(Tape& tape, const Tensor& q, const Tensor& k, const Tensor& v, const LinearRule& rule,
                        StateTensor* state, std::int64_t first = 0);

// The second-order Taylor features of the exponential (Arora et al. 2024, arXiv 2402.18668) of every head of
// x[B, L, heads * d]: y[B, L, heads * taylor_size(d)].
Tensor taylor_features(Tape& tape, const Tensor& x, std::int64_t heads);

// RetNet's angles for the positions first .. first + length of heads of `dim` numbers (even): [length, dim],
// the cosine and the sine of position * 10000^(-m / (dim / 2 - 1)) for each pair m (of 1 for a single pair).
Tensor pair_angles(Tape& tape, std::int64_t first, std::int64_t length, std::int64_t dim);

// Every pair (2m, 2m + 1) of every head of x[B, L, heads * dim] turned by its angle, times `scale`.
Tensor rotate_pairs(Tape& tape, const Tensor& x, const Tensor& angles, double scale);

}  // namespace seqbench
