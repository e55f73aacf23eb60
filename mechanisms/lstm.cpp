// LSTM (Hochreiter & Schmidhuber 1997; forget gates, Gers et al. 2000), in PyTorch's equations: a baseline.
//
//   i, f, g, o = x_t W + b + h_{t-1} U, cut into four of width D
//   c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g);  h_t = sigmoid(o) tanh(c_t);  y = h
//
// W and U are [D, 4D]. Recurrent alone, with h and c as its state: 2 D numbers. There is no parallel form,
// because the gates of a token need the h of the one before: x W is one product over a sequence, h U is one a
// token. Biases start at 0 but for the forget gate's, 1, so that a young model remembers (Jozefowicz et al.
// 2015); each gate has its own, because a parameter has one start. W and U start as PyTorch's.
#include "autograd/cell_ops.h"
#include "autograd/layout_ops.h"
#include "autograd/ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class Lstm : public Mechanism {
 public:
  Lstm(const MixerContext& context, const ParameterScope& parameters)
      : width_(context.width),
        w_(parameters, "w", width_, 4 * width_, uniform_by(width_), "columns: i, f, g, o"),
        u_(parameters.add("u", {width_, 4 * width_}, uniform_by(width_), "columns: i, f, g, o")),
        i_bias_(parameters.add("i_bias", {width_}, {})),
        f_bias_(parameters.add("f_bias", {width_}, {.mean = 1})),
        g_bias_(parameters.add("g_bias", {width_}, {})),
        o_bias_(parameters.add("o_bias", {width_}, {})) {}

  Tensor forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const override {
    const Tensor bias = concat_columns(tape, {tape.parameter(i_bias_), tape.parameter(f_bias_),
                                              tape.parameter(g_bias_), tape.parameter(o_bias_)});
    return lstm(tape, add_bias(tape, w_(tape, x), bias), tape.parameter(u_),
                state == nullptr ? nullptr : &state->parts[0]);
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    state.add("state", {batch, 2 * width_}, type, "h, then c");
    return state;
  }

 private:
  std::int64_t width_;
  Dense w_;
  ParameterId u_, i_bias_, f_bias_, g_bias_, o_bias_;
};

}  // namespace

void register_lstm(MechanismRegistry& registry) {
  registry.add({
      .name = "lstm",
      .summary = "LSTM: a gated cell that sees its own output, token after token",
      .source = "Hochreiter & Schmidhuber 1997, doi 10.1162/neco.1997.9.8.1735",
      .forms = {Form::recurrent},
      .state = "2 D numbers: h and c",
      .options = {},
      .make = [](const Options& /*options*/, const MixerContext& context,
                 const ParameterScope& parameters) { return std::make_unique<Lstm>(context, parameters); },
      .version = 2,
  });
}

}  // namespace seqbench
