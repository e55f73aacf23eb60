#include "model/language_model.h"

#include <fmt/format.h>

#include <utility>

#include "autograd/ops.h"
#include "base/error.h"

namespace seqbench {

OptionList model_options() {
  return {
      Option::integer("layers", 2, {1, 256}, "blocks"),
      Option::integer("width", 64, {1, 16384}, "numbers per position between blocks"),
      Option::integer("ffn", 0, {0, 65536},
                      "hidden numbers of the feed-forward part of each block, whose GELU is the tanh form; 0 "
                      "= no such part"),
      Option::choice(
          "position", "none", {"none", "learned"},
          "what is added to the embedding: nothing, or a learned vector per position up to task.length"),
      Option::integer(
          "short_conv", 4, {0, 16},
          "taps of the causal depthwise convolution before each mixer; 0 = none, and small models then learn "
          "recall slowly or not at all"),
  };
}

std::int64_t DecodeState::bytes() const {
  std::int64_t sum = 0;
  for (const Layer& layer : layers) sum += layer.mixer.bytes() + layer.conv.bytes();
  return sum;
}

LanguageModel::LanguageModel(const ModelSpec& spec, std::int64_t vocab_size, std::int64_t length)
    : length_(length) {
  const std::int64_t width = spec.options.integer("width");
  const ParameterScope scope(parameters_, "");
  table_ = scope.add("embedding", {vocab_size, width}, {.std = kInitStd});
  if (spec.options.text("position") == "learned") {
    positions_ = scope.add("positions", {length, width}, {.std = kInitStd});
  }
  for (std::int64_t layer = 0; layer < spec.options.integer("layers"); ++layer) {
    blocks_.push_back(make_block(spec, layer));
  }
  norm_.emplace(scope.inside("norm"), width);
}

LanguageModel::Block LanguageModel::make_block(const ModelSpec& spec, std::int64_t layer) {
  const std::int64_t width = spec.options.integer("width");
  const std::int64_t layers = spec.options.integer("layers");
  const std::int64_t taps = spec.options.integer("short_conv");
  const std::int64_t hidden_width = spec.options.integer("ffn");
  const MixerSpec& mixer = spec.mixers[static_cast<std::size_t>(layer) % spec.mixers.size()];
  const ParameterScope scope = ParameterScope(parameters_, "").inside(fmt::format("layers.{}", layer));

  const MechanismEntry& entry = mechanisms().find(mixer.name, mixer.path + ".name");
  Block block;
  block.form = entry.forms.front();
  if (!entry.own_block) {
    block.mixer_norm.emplace(scope.inside("mixer_norm"), width);
    if (taps > 0) block.conv.emplace(scope.inside("conv"), width, taps);
  }
  const std::int64_t before = parameters_.count();
  block.mixer =
      entry.make(mixer.options,
                 {.width = width, .layers = layers, .layer = layer, .length = length_, .path = mixer.path},
                 scope.inside("mixer"));
  mixer_parameters_ += parameters_.count() - before;
  if (!entry.own_block && hidden_width > 0) {
    block.ffn_norm.emplace(scope.inside("ffn_norm"), width);
    block.ffn.emplace(scope.inside("ffn"), width, hidden_width, output_std(layers));
  }
  return block;
}

std::int64_t LanguageModel::longest() const { return positions_ >= 0 ? length_ : 0; }

Tensor LanguageModel::embedded(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch,
                               std::int64_t first) const {
  const Tensor table = tape.parameter(table_);
  if (positions_ < 0) return embed(tape, tokens, batch, table, nullptr, 0);
  const Tensor positions = tape.parameter(positions_);
  return embed(tape, tokens, batch, table, &positions, first);
}

Tensor LanguageModel::apply(Tape& tape, const Block& block, const Tensor& x, DecodeState::Layer* state) {
  const auto mix = [&](const Tensor& in) {
    return state == nullptr ? block.mixer->forward(tape, in, block.form, nullptr)
                            : seqbench::extend(tape, *block.mixer, in, block.form, state->mixer);
  };
  if (!block.mixer_norm) return mix(x);
  Tensor in = (*block.mixer_norm)(tape, x);
  if (block.conv) {
    TapeState inputs = state == nullptr ? TapeState{} : in_place(state->conv);
    in = (*block.conv)(tape, in, state == nullptr ? nullptr : &inputs.parts[0]);
  }
  const Tensor y = add(tape, x, mix(in));
  return block.ffn ? add(tape, y, (*block.ffn)(tape, (*block.ffn_norm)(tape, y))) : y;
}

Tensor LanguageModel::hidden(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch) const {
  Tensor x = embedded(tape, tokens, batch, 0);
  for (const Block& block : blocks_) x = apply(tape, block, x, nullptr);
  return x;
}

void LanguageModel::score(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch,
                          std::span<const std::int32_t> rows, std::span<const std::int32_t> labels,
                          Scores& scores) const {
  Tensor x = hidden(tape, tokens, batch);
  if (rows.size() < tokens.size()) x = select_rows(tape, x, rows);
  seqbench::score(tape, (*norm_)(tape, x), tape.parameter(table_), labels, scores);
}

Tensor LanguageModel::all_logits(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch) const {
  const Tensor x = (*norm_)(tape, hidden(tape, tokens, batch));
  return logits(tape, x, tape.parameter(table_));
}

DecodeState LanguageModel::empty_state(std::int64_t batch, DType type) const {
  DecodeState state;
  state.batch = batch;
  for (const Block& block : blocks_) {
    State conv{.batch = batch};
    if (block.conv) block.conv->add_state(conv, "inputs", type);
    state.layers.push_back({block.mixer->empty_state(batch, type), std::move(conv)});
  }
  return state;
}

Tensor LanguageModel::extend(Tape& tape, std::span<const std::int32_t> tokens, DecodeState& state) const {
  const auto count = static_cast<std::int64_t>(tokens.size()) / state.batch;
  if (positions_ >= 0 && state.tokens + count > length_) {
    fail("learned positions end at {} tokens, and {} were to be read: train with a longer task.length.",
         length_, state.tokens + count);
  }
  Tensor x = embedded(tape, tokens, state.batch, state.tokens);
  for (std::size_t i = 0; i < blocks_.size(); ++i) x = apply(tape, blocks_[i], x, &state.layers[i]);
  state.tokens += count;
  std::vector<std::int32_t> last;
  for (std::int64_t b = 0; b < state.batch; ++b)
    last.push_back(static_cast<std::int32_t>((b + 1) * count - 1));
  return logits(tape, (*norm_)(tape, select_rows(tape, x, last)), tape.parameter(table_));
}

}  // namespace seqbench
