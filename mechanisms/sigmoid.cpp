// Sigmoid attention (Ramapuram et al. 2024, arXiv 2409.04431): weights that do not compete.
//
//   o_i = sum_j sigmoid(s_ij + b) v_j, b = -ln(bias_length), y = o Wo
//
// with the scores s_ij, options and parameters of src/mechanism/self_attention.h, over j <= i; with a window,
// over i - window < j <= i. The bias is the same for every row and stays at other lengths than that of
// training: without it, the first outputs are the sum of half of all values.
//
// Parallel over a sequence in tiles; recurrent with a cache of keys and values: 2 L kv_heads d numbers for L
// tokens, d = D / heads, or, with a window, 2 (window - 1) kv_heads d at most.
#include <cmath>

#include "mechanism/self_attention.h"

namespace seqbench {
namespace {

OptionList sigmoid_options() {
  OptionList options = self_attention_options();
  options.push_back(Option::integer("bias_length", 0, {0, 1 << 30},
                                    "n of the bias -ln(n) of every score; 0: the length trained on"));
  return options;
}

std::unique_ptr<Mechanism> make_sigmoid(const Options& options, const MixerContext& context,
                                        const ParameterScope& parameters) {
  SelfAttentionSettings settings = self_attention_settings(options, context);
  const std::int64_t given = options.integer("bias_length");
  settings.rule.weighting = Weighting::sigmoid;
  settings.rule.bias = -std::log(static_cast<double>(given == 0 ? context.length : given));
  return std::make_unique<SelfAttention>(settings, context, parameters);
}

}  // namespace

void register_sigmoid(MechanismRegistry& registry) {
  const auto integer = [](std::int64_t value) { return Value(value); };
  registry.add({
      .name = "sigmoid",
      .summary = "sigmoid attention: every key is weighed by itself",
      .source = "Ramapuram et al. 2024, arXiv 2409.04431",
      .forms = {Form::parallel, Form::recurrent},
      .state =
          "2 L kv_heads D / heads numbers: keys and values of all L tokens read; constant with a window: "
          "of window - 1 tokens",
      .options = sigmoid_options(),
      .make = make_sigmoid,
      .variants = {{{"heads", integer(4)}, {"kv_heads", integer(2)}, {"bias_length", integer(4)}},
                   {{"position", "rope"}, {"qk_norm", true}},
                   {{"position", "alibi"}},
                   {{"window", integer(5)}}},
  });
}

}  // namespace seqbench
