#include "mechanism/self_attention.h"

#include "autograd/layout_ops.h"
#include "base/error.h"

namespace seqbench {

OptionList self_attention_options() {
  return {
      Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width"),
      Option::integer("kv_heads", 0, {0, 1024},
                      "heads of keys and values, each read by heads / kv_heads heads; 0: as many as heads"),
      Option::choice("position", "none", {"none", "rope", "alibi"},
                     "rope: queries and keys turned by their position; alibi: a cost per token of distance"),
      Option::flag("qk_norm", false, "LayerNorm of every head's queries and keys"),
      Option::integer("window", 0, {0, 1 << 20}, "tokens that a token sees, itself included; 0: all before"),
  };
}

SelfAttentionSettings self_attention_settings(const Options& options, const MixerContext& context) {
  const std::int64_t heads = heads_of(options, context);
  const std::int64_t given = options.integer("kv_heads");
  const std::int64_t kv_heads = given == 0 ? heads : given;
  fail_if(heads % kv_heads != 0,
          "{}.kv_heads: expected a divisor of {}.heads, or 0 for as many, got {} kv_heads for {} heads.",
          context.path, context.path, kv_heads, heads);
  const std::string& position = options.text("position");
  fail_if(
      position == "rope" && context.width / heads % 2 != 0,
      "{}.position: rope turns pairs of columns and expects heads of an even width, got a width of {} for "
      "{} heads: {} each.",
      context.path, context.width, heads, context.width / heads);
  return {.rule = {.heads = heads,
                   .kv_heads = kv_heads,
                   .alibi = position == "alibi",
                   .window = options.integer("window")},
          .rope = position == "rope",
          .qk_norm = options.flag("qk_norm")};
}

SelfAttention::SelfAttention(const SelfAttentionSettings& settings, const MixerContext& context,
                             const ParameterScope& parameters)
    : rule_(settings.rule),
      rope_(settings.rope),
      head_dim_(context.width / rule_.heads),
      wq_(parameters, "wq", context.width, context.width, kInitStd),
      wk_(parameters, "wk", context.width, rule_.kv_heads * head_dim_, kInitStd),
      wv_(parameters, "wv", context.width, rule_.kv_heads * head_dim_, kInitStd),
      wo_(parameters, "wo", context.width, context.width, output_std(context.layers)) {
  if (!settings.qk_norm) return;
  q_norm_.emplace(parameters.inside("q_norm"), head_dim_);
  k_norm_.emplace(parameters.inside("k_norm"), head_dim_);
}

Tensor SelfAttention::normed(Tape& tape, const Tensor& x, const std::optional<Norm>& norm) const {
  if (!norm) return x;
  const Tensor by_head = reshape(x, {x.shape[0], x.shape[1], x.shape[2] / head_dim_, head_dim_});
  return reshape((*norm)(tape, by_head), x.shape);
}

// Sinks keep the position they had, and queries that have moved on read them from where the window then ends
// (StreamingLLM): the same as turning sinks and window by their places in the cache at every step, since only
// differences of positions matter.
void SelfAttention::rotate(Tape& tape, std::int64_t first, AttentionTensors& in) const {
  const std::int64_t last = rule_.sinks + rule_.window - 1;
  if (rule_.sinks > 0 && first + in.q.shape[1] - 1 > last) {
    in.q_sinks = rotary(tape, in.q, head_dim_, first, last);
  }
  in.q = rotary(tape, in.q, head_dim_, first);
  in.k = rotary(tape, in.k, head_dim_, first);
}

Tensor SelfAttention::forward(Tape& tape, const Tensor& x, Form /*form*/, TapeState* state) const {
  AttentionTensors in{normed(tape, wq_(tape, x), q_norm_), normed(tape, wk_(tape, x), k_norm_), wv_(tape, x)};
  if (rope_) rotate(tape, state == nullptr ? 0 : state->tokens, in);
  if (state == nullptr) return wo_(tape, causal_attention(tape, rule_, in));
  StateTensor& keys = state->parts[0];
  StateTensor& values = state->parts[1];
  append_tokens(tape, in.k, keys);
  append_tokens(tape, in.v, values);
  const Tensor o = cached_attention(tape, rule_, {in.q, keys.value, values.value, in.q_sinks});
  if (rule_.window > 0) {
    keep_tokens(tape, keys, rule_.sinks, rule_.window - 1);
    keep_tokens(tape, values, rule_.sinks, rule_.window - 1);
  }
  return wo_(tape, o);
}

State SelfAttention::empty_state(std::int64_t batch, DType type) const {
  State state{.batch = batch, .positional = rule_.window > 0};  // else the cache holds all tokens
  state.add("keys", {0, batch, rule_.kv_heads * head_dim_}, type,
            "as they meet queries (normed, turned), oldest token first, heads side by side");
  state.add("values", {0, batch, rule_.kv_heads * head_dim_}, type, "oldest token first, heads side by side");
  return state;
}

}  // namespace seqbench
