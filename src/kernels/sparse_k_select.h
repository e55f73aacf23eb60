// Which tokens every query of SPARSEK attention sees, and which of their gates fade, for every KV head. All
// sets shrink and grow at their ends only: a token is attended from its own row to the row where k better
// ones have left the window, its gate leaves 1 once and reaches 0 once. So a set is one row number for each
// token, and finding all takes O(L log k), whatever L.
#pragma once
#include <cstdint>

#include "kernels/naive/sparse_k.h"

namespace seqbench::kernels {

// Rows are queries, counted from the first one here; `queries` stands for any later row. Tokens are [batch,
// kv_heads, tokens()], rows [batch, kv_heads, queries].
struct SparseKSelection {
  std::int32_t* leaves;  // by token: the first row that does not attend it any more
  std::int32_t* fades;   // by token: the first row where m < 1, m = clip(u - tau, 0, 1)
  std::int32_t* drops;   // by token: the first row where m = 0
  double* tau;           // by row
  std::int32_t* active;  // by row: how many tokens have 0 < m < 1

  // Of one KV head of one sequence.
  SparseKSelection of_head(const SparseKShape& s, std::int64_t b, std::int64_t g) const {
    const std::int64_t head = b * s.kv_heads + g;
    return {leaves + head * s.tokens(), fades + head * s.tokens(), drops + head * s.tokens(),
            tau + head * s.queries, active + head * s.queries};
  }
};

void sparse_k_select(const SparseKShape& shape, const double* u, const SparseKSelection& selection);

}  // namespace seqbench::kernels
