// The sLSTM block of xLSTM (Beck et al. 2024, arXiv 2405.04517): scalar memories whose gates see the last
// output, then a gated feed-forward part. A whole block.
//
//   x' = LN(x);  x'' = silu(conv(x'));  heads of d = D / heads
//   p_g = x'' W_g + h_{t-1} R_g + b_g for the gates i, f;  p_g = x' W_g + h_{t-1} R_g + b_g for z, o
//   c_t = sigmoid(p_f) c_{t-1} + e^{p_i} tanh(p_z);  n_t = sigmoid(p_f) n_{t-1} + e^{p_i}
//   h_t = sigmoid(p_o) c_t / n_t;  W_g and R_g mix inside a head only
//   a = x + LN_head(h);  y = a + (gelu(LN(a) W_gate) .* LN(a) W_up) W_down, 1.3 D wide
//
// As in the code its authors published: gelu is the exact one, norms have no bias, the hidden width is
// rounded up to a multiple of 64, and weight decay leaves R alone, which starts at 0.
//
// Strictly sequential. Its state is h, c, n, the scale m of c and n (kernels/slstm.h), and the convolution's
// last inputs: (3 + conv) D numbers.
#include <cmath>

#include "autograd/ops.h"
#include "autograd/xlstm_ops.h"
#include "mechanism/mechanism.h"
#include "nn/xlstm_parts.h"

namespace seqbench {
namespace {

// 1.3 times the width, rounded up to a multiple of 64.
std::int64_t hidden_of(std::int64_t width) { return (13 * width + 639) / 640 * 64; }

// Forget gates start from sigmoid(5) down to sigmoid(-7) over the channels of a head, along a power that
// grows from 0.3 in the first layer to 1.6 in the last: later layers remember for longer.
double forget_bias(std::int64_t channel, std::int64_t dim, const MixerContext& context) {
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  const double power = 0.3 + 1.3 * share(context.layer, context.layers - 1);
  return 5.0 - 12.0 * std::pow(share(channel % dim, dim - 1), power);
}

class Slstm : public Mechanism {
 public:
  Slstm(std::int64_t heads, std::int64_t taps, const MixerContext& context, const ParameterScope& parameters)
      : width_(context.width),
        norm_(parameters, "norm.gain", width_, 1),
        conv_(parameters, width_, taps),
        wi_(parameters, "wi", width_, heads, xlstm_input_std(width_)),
        wf_(parameters, "wf", width_, heads, xlstm_input_std(width_)),
        wz_(parameters, "wz", width_, heads, xlstm_input_std(width_)),
        wo_(parameters, "wo", width_, heads, xlstm_input_std(width_)),
        bi_(parameters.add("bi", {width_}, {})),
        bf_(parameters.add(
            "bf", {width_},
            {.mean_at = [dim = width_ / heads,
                         context](std::int64_t channel) { return forget_bias(channel, dim, context); }})),
        bz_(parameters.add("bz", {width_}, {})),
        bo_(parameters.add("bo", {width_}, {})),
        r_(parameters.add(
            "r", {heads, width_ / heads, 4 * width_ / heads}, {.decays = false},
            "[head, in, out]: h of the token before adds h r to the gates, columns i, f, z, o")),
        head_norm_(parameters, "head_norm", width_, heads),
        ffn_norm_(parameters, "ffn_norm.gain", width_, 1),
        gate_(parameters, "ffn_gate", width_, hidden_of(width_), xlstm_input_std(width_),
              "under the exact GELU; n: 1.3 D, rounded up to a multiple of 64"),
        up_(parameters, "ffn_up", width_, hidden_of(width_), xlstm_input_std(width_)),
        down_(parameters, "ffn_down", hidden_of(width_), width_, xlstm_output_std(width_, context.layers)) {}

  Tensor forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const override {
    const Tensor in = norm_(tape, x);
    const Tensor mixed = conv_(tape, in, state == nullptr ? nullptr : &state->parts[0]);
    const auto gate = [&](const BlockDense& w, const Tensor& from, ParameterId bias) {
      return add_bias(tape, w(tape, from), tape.parameter(bias));
    };
    const Tensor h = slstm(tape,
                           {gate(wi_, mixed, bi_), gate(wf_, mixed, bf_), gate(wz_, in, bz_),
                            gate(wo_, in, bo_), tape.parameter(r_)},
                           state == nullptr ? nullptr : &state->parts[1]);
    const Tensor a = add(tape, x, head_norm_(tape, h));
    return add(tape, a, feed_forward(tape, ffn_norm_(tape, a)));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    conv_.add_state(state, type);
    add_slstm_state(state, width_, type);
    return state;
  }

 private:
  Tensor feed_forward(Tape& tape, const Tensor& x) const {
    return down_(tape, multiply(tape, activate(tape, gate_(tape, x), Activation::gelu), up_(tape, x)));
  }

  std::int64_t width_;
  HeadNorm norm_;
  ConvSilu conv_;
  BlockDense wi_, wf_, wz_, wo_;
  ParameterId bi_, bf_, bz_, bo_;
  ParameterId r_;
  HeadNorm head_norm_;
  HeadNorm ffn_norm_;
  Dense gate_, up_, down_;
};

}  // namespace

void register_slstm(MechanismRegistry& registry) {
  registry.add({
      .name = "slstm",
      .summary = "sLSTM block of xLSTM: scalar memories whose exponential gates see the last output",
      .source = "Beck et al. 2024, arXiv 2405.04517",
      .forms = {Form::recurrent},
      .state = "(3 + conv) D numbers: h, c, n, m and the convolution's inputs",
      .options = {Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width"),
                  Option::integer("conv", 4, {1, 16}, "taps of the convolution before the gates i and f")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<Slstm>(heads_of(options, context), options.integer("conv"), context,
                                           parameters);
          },
      .own_block = true,
      .variants = {{{"heads", std::int64_t{1}}}, {{"conv", std::int64_t{1}}}},
      .version = 2,
  });
}

}  // namespace seqbench
