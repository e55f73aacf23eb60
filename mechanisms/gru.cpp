// GRU (Cho et al. 2014, arXiv 1406.1078), in PyTorch's equations, whose reset gate acts after the product: a
// baseline.
//
//   r, z = sigmoid of x_t W + b + h_{t-1} U, cut into parts of width D
//   n = tanh(x_t W_n + b_n + r (h_{t-1} U_n + b_hn));  h_t = (1 - z) n + z h_{t-1};  y = h
//
// W and U are [D, 3D] in the order r, z, n. Recurrent alone, with h as its state: D numbers. There is no
// parallel form, because the gates of a token need the h of the one before: x W is one product over a
// sequence, h U is one a token. W and U start as PyTorch's, biases at 0.
#include "autograd/cell_ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class Gru : public Mechanism {
 public:
  Gru(const MixerContext& context, const ParameterScope& parameters)
      : width_(context.width),
        w_(parameters, "w", width_, 3 * width_, uniform_by(width_), Init{}, "columns: r, z, n"),
        u_(parameters.add("u", {width_, 3 * width_}, uniform_by(width_), "columns: r, z, n")),
        un_bias_(parameters.add("un_bias", {width_}, {}, "b_hn: added to h U_n, under the reset gate")) {}

  Tensor forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const override {
    return gru(tape, w_(tape, x), tape.parameter(u_), tape.parameter(un_bias_),
               state == nullptr ? nullptr : &state->parts[0]);
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    state.add("h", {batch, width_}, type);
    return state;
  }

 private:
  std::int64_t width_;
  Dense w_;
  ParameterId u_, un_bias_;
};

}  // namespace

void register_gru(MechanismRegistry& registry) {
  registry.add({
      .name = "gru",
      .summary = "GRU: a gated average that sees its own output, token after token",
      .source = "Cho et al. 2014, arXiv 1406.1078",
      .forms = {Form::recurrent},
      .state = "D numbers: h",
      .options = {},
      .make = [](const Options& /*options*/, const MixerContext& context,
                 const ParameterScope& parameters) { return std::make_unique<Gru>(context, parameters); },
      .version = 2,
  });
}

}  // namespace seqbench
