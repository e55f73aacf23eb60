// Attention of every token to those before: what softmax and sigmoid attention share, which is all but how
// scores become weights.
//
//   q_i = x_i Wq, k_j = x_j Wk, v_j = x_j Wv, cut into `heads` heads of d = D / heads (k, v: `kv_heads`)
//   qk_norm: q and k <- LayerNorm over d, one gain and bias for all heads
//   rope: q_i and k_j turned by their positions
//   s_ij = q_i.k_j / sqrt(d), alibi: - slope (i - j)
//   o_i = sum_j weight(s_ij) v_j over j <= i; with a window over j < sinks and i - window < j <= i;  y = o Wo
//
// State: keys as they are multiplied with queries (normed and turned) and values. With a window, those of the
// sinks and of the last window - 1 tokens.
#pragma once
#include <memory>
#include <optional>

#include "autograd/attention_ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {

struct SelfAttentionSettings {
  AttentionRule rule;
  bool rope = false;
  bool qk_norm = false;
};

// heads, kv_heads, position, qk_norm, window.
OptionList self_attention_options();
SelfAttentionSettings self_attention_settings(const Options& options, const MixerContext& context);

// Parameters wq[D, D], wk and wv[D, kv_heads d], wo[D, D]; with qk_norm, gain[d] and bias[d] of q_norm and
// k_norm.
class SelfAttention : public Mechanism {
 public:
  SelfAttention(const SelfAttentionSettings& settings, const MixerContext& context,
                const ParameterScope& parameters);
  Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const override;
  State empty_state(std::int64_t batch, DType type) const override;

 private:
  Tensor normed(Tape& tape, const Tensor& x, const std::optional<Norm>& norm) const;
  void rotate(Tape& tape, std::int64_t first, AttentionTensors& in) const;

  AttentionRule rule_;
  bool rope_;
  std::int64_t head_dim_;
  Dense wq_, wk_, wv_, wo_;
  std::optional<Norm> q_norm_, k_norm_;
};

}  // namespace seqbench
