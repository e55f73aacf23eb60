// Operations that move numbers and change none, on a tape. Tokens are the second dimension of [B, L, ...],
// columns the last.
#pragma once
#include <cstdint>
#include <vector>

#include "autograd/tape.h"

namespace seqbench {

// The same numbers and the same gradient under another shape of the same size.
Tensor reshape(const Tensor& x, const Shape& shape);

// x[B, first .. first + count, W] of x[B, L, W].
Tensor slice_tokens(Tape& tape, const Tensor& x, std::int64_t first, std::int64_t count);

// The tokens of all `parts` [B, L_i, W], one after the other: [B, sum L_i, W].
Tensor concat_tokens(Tape& tape, const std::vector<Tensor>& parts);

// x[.., first .. first + count] of x[.., W].
Tensor slice_columns(Tape& tape, const Tensor& x, std::int64_t first, std::int64_t count);

// The columns of all `parts` [.., W_i] side by side: [.., sum W_i].
Tensor concat_columns(Tape& tape, const std::vector<Tensor>& parts);

}  // namespace seqbench
