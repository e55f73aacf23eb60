// Linear attention (Katharopoulos et al. 2020, arXiv 2006.16236).
//
//   q, k, v = x Wq, x Wk, x Wv, cut into heads of d = D / heads;  phi(a) = elu(a) + 1
//   S_t = S_{t-1} + phi(k_t)^T v_t [d, d];  z_t = z_{t-1} + phi(k_t) [d]
//   o_t = phi(q_t) S_t / (phi(q_t).z_t + 1e-6);  y = o Wo
//
// Chunkwise over a sequence (chunks of 64); recurrent with S and z as its state: D (d + 1) numbers.
#include "autograd/ops.h"
#include "autograd/sequence_ops.h"
#include "mechanism/mechanism.h"

namespace seqbench {
namespace {

class Linear : public Mechanism {
 public:
  Linear(std::int64_t heads, const MixerContext& context, const ParameterScope& parameters)
      : heads_(heads), width_(context.width) {
    wq_ = parameters.add("wq", {width_, width_}, {.std = kInitStd});
    wk_ = parameters.add("wk", {width_, width_}, {.std = kInitStd});
    wv_ = parameters.add("wv", {width_, width_}, {.std = kInitStd});
    wo_ = parameters.add("wo", {width_, width_}, {.std = output_std(context.layers)});
  }

  Tensor forward(Tape& tape, const Tensor& x) const override {
    const Heads in = heads(tape, x);
    return matmul(tape, linear_attention(tape, in.q, in.k, in.v, heads_), tape.parameter(wo_));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    return {.batch = batch, .parts = {{"sums", Buffer(batch * width_ * (width_ / heads_ + 1), type)}}};
  }

  Tensor extend(Tape& tape, const Tensor& x, State& state) const override {
    const Heads in = heads(tape, x);
    return matmul(tape, linear_attention(tape, in.q, in.k, in.v, heads_, state.part(0)), tape.parameter(wo_));
  }

 private:
  struct Heads {
    Tensor q, k, v;
  };
  Heads heads(Tape& tape, const Tensor& x) const {
    return {elu_plus_one(tape, matmul(tape, x, tape.parameter(wq_))),
            elu_plus_one(tape, matmul(tape, x, tape.parameter(wk_))), matmul(tape, x, tape.parameter(wv_))};
  }

  std::int64_t heads_;
  std::int64_t width_;
  ParameterId wq_, wk_, wv_, wo_;
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
