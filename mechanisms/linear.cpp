// Linear attention (Katharopoulos et al. 2020, arXiv 2006.16236).
//
//   q, k, v = x Wq, x Wk, x Wv, cut into heads of d = D / heads;  phi(a) = elu(a) + 1
//   S_t = S_{t-1} + phi(k_t)^T v_t [d, d];  z_t = z_{t-1} + phi(k_t) [d]
//   o_t = phi(q_t) S_t / (phi(q_t).z_t + 1e-6);  y = o Wo
//
// Chunkwise over a sequence (chunks of 64); recurrent with S and z as its state: D (d + 1) numbers.
#include "autograd/linear_ops.h"
#include "autograd/ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class Linear : public Mechanism {
 public:
  Linear(std::int64_t heads, const MixerContext& context, const ParameterScope& parameters)
      : heads_(heads),
        width_(context.width),
        wq_(parameters, "wq", width_, width_, kInitStd),
        wk_(parameters, "wk", width_, width_, kInitStd),
        wv_(parameters, "wv", width_, width_, kInitStd),
        wo_(parameters, "wo", width_, width_, output_std(context.layers)) {}

  Tensor forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const override {
    const Tensor q = activate(tape, wq_(tape, x), Activation::elu_plus_one);
    const Tensor k = activate(tape, wk_(tape, x), Activation::elu_plus_one);
    const Tensor v = wv_(tape, x);
    return wo_(tape, linear_attention(tape, q, k, v, heads_, state == nullptr ? nullptr : &state->parts[0]));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    const std::int64_t dim = width_ / heads_;
    state.add("sums", {batch, heads_, dim * (dim + 1)}, type);
    return state;
  }

 private:
  std::int64_t heads_;
  std::int64_t width_;
  Dense wq_, wk_, wv_, wo_;
};

}  // namespace

void register_linear(MechanismRegistry& registry) {
  registry.add({
      .name = "linear",
      .summary = "linear attention: sums of keys times values, read through a feature map",
      .source = "Katharopoulos et al. 2020, arXiv 2006.16236",
      .forms = {Form::chunkwise, Form::recurrent},
      .state = "D (D / heads + 1) numbers: the sums S and z of every head",
      .options = {Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<Linear>(heads_of(options, context), context, parameters);
          },
  });
}

}  // namespace seqbench
