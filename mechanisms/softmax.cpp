// Softmax attention with several heads (Vaswani et al. 2017, arXiv 1706.03762).
//
//   q_i = x_i Wq, k_j = x_j Wk, v_j = x_j Wv, each cut into heads of d = D / heads
//   o_i = sum_{j <= i} softmax_j(q_i.k_j / sqrt(d)) v_j, y = o Wo
//
// Parallel over a sequence in tiles; recurrent with a cache of every key and value: 2 L D numbers.
#include "autograd/ops.h"
#include "autograd/sequence_ops.h"
#include "mechanism/mechanism.h"

namespace seqbench {
namespace {

class Softmax : public Mechanism {
 public:
  Softmax(std::int64_t heads, const MixerContext& context, const ParameterScope& parameters)
      : heads_(heads), width_(context.width) {
    wq_ = parameters.add("wq", {width_, width_}, {.std = kInitStd});
    wk_ = parameters.add("wk", {width_, width_}, {.std = kInitStd});
    wv_ = parameters.add("wv", {width_, width_}, {.std = kInitStd});
    wo_ = parameters.add("wo", {width_, width_}, {.std = output_std(context.layers)});
  }

  Tensor forward(Tape& tape, const Tensor& x) const override {
    const Tensor q = matmul(tape, x, tape.parameter(wq_));
    const Tensor k = matmul(tape, x, tape.parameter(wk_));
    const Tensor v = matmul(tape, x, tape.parameter(wv_));
    return matmul(tape, causal_attention(tape, q, k, v, heads_), tape.parameter(wo_));
  }

  // Both parts are [tokens, B, D] and grow with every token.
  State empty_state(std::int64_t batch, DType type) const override {
    return {.batch = batch, .parts = {{"keys", Buffer(0, type)}, {"values", Buffer(0, type)}}};
  }

  Tensor extend(Tape& tape, const Tensor& x, State& state) const override {
    const Tensor q = matmul(tape, x, tape.parameter(wq_));
    append_tokens(matmul(tape, x, tape.parameter(wk_)), state.part(0));
    append_tokens(matmul(tape, x, tape.parameter(wv_)), state.part(1));
    return matmul(tape, cached_attention(tape, q, state.part(0), state.part(1), heads_), tape.parameter(wo_));
  }

 private:
  std::int64_t heads_;
  std::int64_t width_;
  ParameterId wq_, wk_, wv_, wo_;
};

}  // namespace

void register_softmax(MechanismRegistry& registry) {
  registry.add({
      .name = "softmax",
      .summary = "softmax attention: every position looks up every earlier one",
      .source = "Vaswani et al. 2017, arXiv 1706.03762",
      .forms = {Form::parallel, Form::recurrent},
      .state = "2 L D numbers: keys and values of all L tokens read",
      .options = {Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<Softmax>(heads_of(options, context), context, parameters);
          },
  });
}

}  // namespace seqbench
