#include "mechanism/pieces.h"

#include "autograd/layout_ops.h"

namespace seqbench {

std::vector<std::int64_t> pieces_of(const MechanismEntry& entry, Form form, std::int64_t length) {
  if (form != Form::recurrent || entry.forms.front() == Form::recurrent) return {length};
  return std::vector<std::int64_t>(static_cast<std::size_t>(length), 1);
}

Tensor forward_in_pieces(Tape& tape, const Mechanism& mechanism, const Tensor& x, Form form,
                         const std::vector<std::int64_t>& pieces, TapeState& state) {
  std::vector<Tensor> outputs;
  std::int64_t first = 0;
  for (const std::int64_t count : pieces) {
    const Tensor piece = pieces.size() == 1 ? x : slice_tokens(tape, x, first, count);
    outputs.push_back(
        mechanism.forward(tape, piece, count == 1 && pieces.size() > 1 ? Form::recurrent : form, &state));
    state.tokens += count;
    first += count;
  }
  return outputs.size() == 1 ? outputs.front() : concat_tokens(tape, outputs);
}

}  // namespace seqbench
