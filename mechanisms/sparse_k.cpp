// SPARSEK attention (Lou et al. 2024, "Sparser is faster and less is more", arXiv 2406.16747).
//
//   q_i = x_i Wq in heads of d = D / heads; k_j = x_j Wk, v_j = x_j Wv in kv_heads of d, and for each of
//   those: u_j = x_j w_score + slope j                                a score for the token, whoever asks
//   tau_i: sum_j clip(u_j - tau_i, 0, 1) = k over the candidates j <= i - window; k candidates or fewer: -inf
//   m_ij = clip(u_j - tau_i, 0, 1); 1 for the window's tokens i - window < j <= i
//   T_i = the k candidates with the largest u_j, of equal ones the older
//   o_i = sum_j softmax_j(q_i.k_j / sqrt(d)) m_ij v_j over T_i and the window, y = o Wo
//
// gate = key_value: the score is q_i.(m_ij k_j) / sqrt(d). hard: m is 1 in T_i, with the gradient of the soft
// gate. tau only rises and a token that has left T or reached m = 0 stays out (kernels/sparse_k_select.h),
// which makes training linear in L, chunk by chunk, and the decode state constant: k + window tokens for each
// KV head with their scores, and the scores of tokens outside T with m > 0, without which tau would be
// another. The last are between none and, for scores that all lie within 1 of each other with slope 0, all;
// about k in practice. Left out of the paper: rotary positions, and the normalisation of what w_score sees.
#include <cmath>

#include "autograd/sparse_ops.h"
#include "base/error.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class SparseK : public Mechanism {
 public:
  SparseK(const SparseKSettings& settings, const MixerContext& context, const ParameterScope& parameters)
      : settings_(settings),
        head_dim_(context.width / settings.heads),
        wq_(parameters, "wq", context.width, context.width, kInitStd),
        wk_(parameters, "wk", context.width, settings.kv_heads * head_dim_, kInitStd),
        wv_(parameters, "wv", context.width, settings.kv_heads * head_dim_, kInitStd),
        wo_(parameters, "wo", context.width, context.width, output_std(context.layers)),
        w_score_(parameters, "w_score", context.width, settings.kv_heads,
                 1 / std::sqrt(static_cast<double>(context.width))) {}

  Tensor forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const override {
    const Tensor q = wq_(tape, x);
    const SparseKTokens tokens = {wk_(tape, x), wv_(tape, x), w_score_(tape, x)};
    return wo_(tape, sparse_k_attention(tape, settings_, q, tokens, state));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch, .positional = true};
    add_sparse_k_state(state, settings_.kv_heads, head_dim_, type);
    return state;
  }

 private:
  SparseKSettings settings_;
  std::int64_t head_dim_;
  Dense wq_, wk_, wv_, wo_, w_score_;
};

SparseKSettings settings_of(const Options& options, const MixerContext& context) {
  SparseKSettings settings = {.heads = heads_of(options, context),
                              .kv_heads = options.integer("kv_heads"),
                              .k = options.integer("k"),
                              .window = options.integer("window"),
                              .slope = options.real("slope"),
                              .gate_keys = options.text("gate") == "key_value",
                              .hard = options.flag("hard")};
  if (settings.kv_heads == 0) settings.kv_heads = settings.heads;
  fail_if(settings.heads % settings.kv_heads != 0, "{}.kv_heads: expected a divisor of the {} heads, got {}.",
          context.path, settings.heads, settings.kv_heads);
  fail_if(
      context.length > 0 && settings.k > context.length,
      "{}.k: expected at most the {} tokens of a training sequence, got {}: no query could select that many.",
      context.path, context.length, settings.k);
  return settings;
}

}  // namespace

void register_sparse_k(MechanismRegistry& registry) {
  registry.add({
      .name = "sparse_k",
      .summary = "SPARSEK attention: a window and k older tokens that a learned score keeps",
      .source = "Lou et al. 2024, arXiv 2406.16747",
      .forms = {Form::chunkwise, Form::recurrent},
      .state =
          "2 (k + window) (d + 1) kv_heads numbers, d = D / heads: keys, values, scores and positions of the "
          "selected and of the window; and two numbers for each token that fades unselected, about k of them",
      .options =
          {Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width"),
           Option::integer("kv_heads", 0, {0, 1024},
                           "heads of keys, values and scores; must divide heads; 0: as many as heads"),
           Option::integer("k", 8, {1, 65536}, "older tokens that are kept; at most the training length"),
           Option::integer("window", 8, {1, 65536}, "newest tokens, which are always attended"),
           Option::real("slope", 1e-2, {0, 1}, "added to a score for every position: newer tokens win"),
           Option::choice("gate", "value", {"value", "key_value"}, "what the gates multiply"),
           Option::flag("hard", false, "gates of kept tokens are 1; their gradient is the soft gate's")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<SparseK>(settings_of(options, context), context, parameters);
          },
      .variants = {{{"k", std::int64_t{2}}, {"window", std::int64_t{1}}},
                   {{"k", std::int64_t{3}}, {"window", std::int64_t{2}}, {"gate", std::string("key_value")}},
                   {{"k", std::int64_t{2}},
                    {"window", std::int64_t{2}},
                    {"heads", std::int64_t{2}},
                    {"kv_heads", std::int64_t{1}},
                    {"slope", 0.0}}},
  });
}

}  // namespace seqbench
