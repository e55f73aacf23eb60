// Softmax attention with several heads (Vaswani et al. 2017, arXiv 1706.03762).
//
//   q_i = x_i Wq, k_j = x_j Wk, v_j = x_j Wv, each cut into heads of d = D / heads
//   o_i = sum_{j <= i} softmax_j(q_i.k_j / sqrt(d)) v_j, y = o Wo
//
// Parallel over a sequence in tiles; recurrent with a cache of every key and value: 2 L D numbers.
#include "autograd/attention_ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class Softmax : public Mechanism {
 public:
  Softmax(std::int64_t heads, const MixerContext& context, const ParameterScope& parameters)
      : heads_(heads),
        width_(context.width),
        wq_(parameters, "wq", width_, width_, kInitStd),
        wk_(parameters, "wk", width_, width_, kInitStd),
        wv_(parameters, "wv", width_, width_, kInitStd),
        wo_(parameters, "wo", width_, width_, output_std(context.layers)) {}

  Tensor forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const override {
    const Tensor q = wq_(tape, x);
    const Tensor k = wk_(tape, x);
    const Tensor v = wv_(tape, x);
    if (state == nullptr) return wo_(tape, causal_attention(tape, q, k, v, heads_));
    append_tokens(tape, k, state->parts[0]);
    append_tokens(tape, v, state->parts[1]);
    return wo_(tape, cached_attention(tape, q, state->parts[0].value, state->parts[1].value, heads_));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    state.add("keys", {0, batch, width_}, type);
    state.add("values", {0, batch, width_}, type);
    return state;
  }

 private:
  std::int64_t heads_;
  std::int64_t width_;
  Dense wq_, wk_, wv_, wo_;
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
