// Softmax attention (Vaswani et al. 2017, arXiv 1706.03762), its heads sharing keys and values where asked to
// (Ainslie et al. 2023, arXiv 2305.13245), over all tokens or a window with sinks (Xiao et al. 2023, arXiv
// 2309.17453).
//
//   o_i = sum_j exp(s_ij) v_j / sum_j exp(s_ij), y = o Wo
//
// with the scores s_ij, options and parameters of src/mechanism/self_attention.h, over j <= i; with a window,
// over j < sinks and i - window < j <= i. Behind the window, positions are places in the cache: a sink j is
// min(i, sinks + window - 1) - j tokens away.
//
// Parallel over a sequence in tiles; recurrent with a cache of keys and values: 2 L kv_heads d numbers for L
// tokens, d = D / heads, or, with a window, 2 (sinks + window - 1) kv_heads d at most.
#include "base/error.h"
#include "mechanism/self_attention.h"

namespace seqbench {
namespace {

OptionList softmax_options() {
  OptionList options = self_attention_options();
  options.push_back(
      Option::integer("sinks", 0, {0, 1 << 20}, "first tokens that stay visible behind a window"));
  return options;
}

std::unique_ptr<Mechanism> make_softmax(const Options& options, const MixerContext& context,
                                        const ParameterScope& parameters) {
  SelfAttentionSettings settings = self_attention_settings(options, context);
  settings.rule.sinks = options.integer("sinks");
  fail_if(settings.rule.sinks > 0 && settings.rule.window == 0,
          "{}.sinks: expected 0 without a window, which hides no token, got {}; set {}.window too.",
          context.path, settings.rule.sinks, context.path);
  return std::make_unique<SelfAttention>(settings, context, parameters);
}

}  // namespace

void register_softmax(MechanismRegistry& registry) {
  const auto integer = [](std::int64_t value) { return Value(value); };
  registry.add({
      .name = "softmax",
      .summary = "softmax attention: every position looks up every earlier one",
      .source = "Vaswani et al. 2017, arXiv 1706.03762",
      .forms = {Form::parallel, Form::recurrent},
      .state =
          "2 L kv_heads D / heads numbers: keys and values of all L tokens read; constant with a window: "
          "of sinks + window - 1 tokens",
      .options = softmax_options(),
      .make = make_softmax,
      .variants = {{{"heads", integer(4)}, {"kv_heads", integer(2)}},
                   {{"heads", integer(4)}, {"kv_heads", integer(1)}, {"position", "rope"}},
                   {{"heads", integer(2)}, {"position", "alibi"}},
                   {{"heads", integer(2)}, {"qk_norm", true}, {"position", "rope"}},
                   {{"window", integer(5)}},
                   {{"window", integer(5)}, {"sinks", integer(2)}},
                   {{"window", integer(5)}, {"sinks", integer(2)}, {"position", "rope"}},
                   {{"window", integer(5)}, {"sinks", integer(2)}, {"position", "alibi"}}},
  });
}

}  // namespace seqbench
