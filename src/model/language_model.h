// A small causal language model around a mechanism: token embedding, pre-norm blocks, a tied head.
//   x = table[token] (+ positions);  per layer: x += mixer(conv(norm(x)));  x += ffn(norm(x));  logits =
//   norm(x) table^T.  A mechanism with a block of its own is the whole layer: x = mixer(x).
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "autograd/parameters.h"
#include "autograd/token_ops.h"
#include "mechanism/mechanism.h"
#include "model/spec.h"
#include "nn/layers.h"

namespace seqbench {

// Goes up when what lies around the mechanisms could change scores: a part of every result's identity. 2: the
// taps of short_conv start from a uniform distribution.
constexpr int kModelVersion = 2;

// What decoding carries from token to token.
struct DecodeState {
  struct Layer {
    State mixer;
    State conv;
  };
  std::vector<Layer> layers;
  std::int64_t batch = 1;
  std::int64_t tokens = 0;  // read so far

  std::int64_t bytes() const;  // held now, of all sequences
};

class LanguageModel {
 public:
  // `length`: the longest sequence learned positions must cover. Throws Error for options that do not fit
  // each other.
  LanguageModel(const ModelSpec& spec, std::int64_t vocab_size, std::int64_t length);

  const Parameters& parameters() const { return parameters_; }
  std::int64_t mixer_parameters() const { return mixer_parameters_; }
  // The longest context the model can read; 0 when there is no limit.
  std::int64_t longest() const;

  // Cross-entropy of `labels` at the positions `rows` (indices into tokens[batch, length]), as token_ops.h's
  // score() says. The spans must outlive the tape.
  void score(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch,
             std::span<const std::int32_t> rows, std::span<const std::int32_t> labels, Scores& scores) const;

  // logits[batch * length, vocab] at every position of tokens[batch, length], in the training form.
  Tensor all_logits(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch) const;

  DecodeState empty_state(std::int64_t batch, DType type) const;
  // Reads tokens[batch, n] after what `state` has read: logits[batch, vocab] after the last of them. n = 1
  // decodes.
  Tensor extend(Tape& tape, std::span<const std::int32_t> tokens, DecodeState& state) const;

 private:
  struct Block {
    std::optional<Norm> mixer_norm;  // none: the mixer brings its own block
    std::optional<ShortConv> conv;
    std::unique_ptr<Mechanism> mixer;
    Form form;  // of training and prefill
    std::optional<Norm> ffn_norm;
    std::optional<FeedForward> ffn;
  };
  Block make_block(const ModelSpec& spec, std::int64_t layer);
  Tensor embedded(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch,
                  std::int64_t first) const;
  Tensor hidden(Tape& tape, std::span<const std::int32_t> tokens, std::int64_t batch) const;
  static Tensor apply(Tape& tape, const Block& block, const Tensor& x, DecodeState::Layer* state);

  Parameters parameters_;
  std::int64_t mixer_parameters_ = 0;
  std::int64_t length_;
  ParameterId table_ = -1;
  ParameterId positions_ = -1;
  std::vector<Block> blocks_;
  std::optional<Norm> norm_;
};

}  // namespace seqbench
