// A sequence read in pieces, each after the state that the one before left.
#pragma once
#include <cstdint>
#include <vector>

#include "mechanism/mechanism.h"

namespace seqbench {

// Lengths of pieces that make up `length` tokens: all of them at once or, where the mechanism has `form` for
// single tokens only, one by one.
std::vector<std::int64_t> pieces_of(const MechanismEntry& entry, Form form, std::int64_t length);

// y[B, L, D] of x[B, L, D], whose pieces go through `form` one after the other (single tokens through the
// recurrent form). The state, recorded or not, is left after the last token, its `tokens` advanced.
Tensor forward_in_pieces(Tape& tape, const Mechanism& mechanism, const Tensor& x, Form form,
                         const std::vector<std::int64_t>& pieces, TapeState& state);

}  // namespace seqbench
