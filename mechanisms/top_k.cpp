// Top-k attention: softmax over the k largest scores of each query (Zhao et al. 2019, "Explicit Sparse
// Transformer", arXiv 1912.11637; Gupta et al. 2021, arXiv 2106.06899).
//
//   q_i = x_i Wq, k_j = x_j Wk, v_j = x_j Wv, each cut into heads of d = D / heads
//   T_i = the k tokens j <= i with the largest q_i.k_j, of equal ones the newer
//   o_i = sum_{j in T_i} softmax_j(q_i.k_j / sqrt(d)) v_j, y = o Wo
//
// The choice has no gradient. Parallel over a sequence: scores of all pairs in tiles, values of the chosen
// only; recurrent with a cache of every key and value: 2 L D numbers.
#include "autograd/sparse_ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class TopK : public Mechanism {
 public:
  TopK(std::int64_t heads, std::int64_t k, const MixerContext& context, const ParameterScope& parameters)
      : heads_(heads),
        k_(k),
        width_(context.width),
        wq_(parameters, "wq", width_, width_, kInitStd),
        wk_(parameters, "wk", width_, width_, kInitStd),
        wv_(parameters, "wv", width_, width_, kInitStd),
        wo_(parameters, "wo", width_, width_, output_std(context.layers)) {}

  Tensor forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const override {
    const Tensor q = wq_(tape, x);
    const Tensor k = wk_(tape, x);
    const Tensor v = wv_(tape, x);
    if (state == nullptr) return wo_(tape, top_k_attention(tape, q, k, v, heads_, k_));
    append_tokens(tape, k, state->parts[0]);
    append_tokens(tape, v, state->parts[1]);
    return wo_(tape,
               cached_top_k_attention(tape, q, state->parts[0].value, state->parts[1].value, heads_, k_));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    state.add("keys", {0, batch, width_}, type, "keys of the tokens read, oldest first, heads side by side");
    state.add("values", {0, batch, width_}, type, "oldest token first, heads side by side");
    return state;
  }

 private:
  std::int64_t heads_;
  std::int64_t k_;
  std::int64_t width_;
  Dense wq_, wk_, wv_, wo_;
};

}  // namespace

void register_top_k(MechanismRegistry& registry) {
  registry.add({
      .name = "top_k",
      .summary = "top-k attention: softmax over the k best matches of each query",
      .source = "Zhao et al. 2019, arXiv 1912.11637",
      .forms = {Form::parallel, Form::recurrent},
      .state = "2 L D numbers: keys and values of all L tokens read",
      .options = {Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width"),
                  Option::integer("k", 8, {1, 65536}, "tokens that each query attends")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<TopK>(heads_of(options, context), options.integer("k"), context,
                                          parameters);
          },
      .variants = {{{"k", std::int64_t{2}}}, {{"k", std::int64_t{3}}, {"heads", std::int64_t{1}}}},
  });
}

}  // namespace seqbench
