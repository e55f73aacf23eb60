// The two cells of xLSTM (Beck et al. 2024, arXiv 2405.04517), on a tape.
#pragma once
#include <cstdint>

#include "autograd/state.h"

namespace seqbench {

// The mLSTM cell of q, k, v, each [B, L, heads * d], and of the gates before their functions, each [B, L,
// heads]: h[B, L, heads * d]. `chunk` tokens at a time; L or more is the parallel form. `state`: [B, heads, d
// (d
// + 1) + 1], or null to start from an empty one.
struct MlstmTensors {
  Tensor q, k, v, input_gate, forget_gate;
};
Tensor mlstm(Tape& tape, const MlstmTensors& in, std::int64_t chunk, StateTensor* state);

// Adds the part "cell", empty: C and n, divided by e^m, and m.
void add_mlstm_state(State& state, std::int64_t heads, std::int64_t dim, DType type);

// The sLSTM cell of what the input adds to the gates, each [B, L, D], and of r[heads, d, 4 d], by which h of
// the token before adds to i, f, z and o: h[B, L, D]. `state`: [B, 4, D], or null to start from an empty one.
struct SlstmTensors {
  Tensor i, f, z, o, r;
};
Tensor slstm(Tape& tape, const SlstmTensors& in, StateTensor* state);

// Adds the part "cell", empty: h, and c and n, divided by e^m, and m, which starts very low and not at 0.
void add_slstm_state(State& state, std::int64_t width, DType type);

}  // namespace seqbench
