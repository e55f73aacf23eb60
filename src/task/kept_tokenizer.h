// A tokenizer as it is kept with a trained model, which then writes without the text it was trained on.
#pragma once
#include <memory>
#include <string>

#include "base/options.h"
#include "task/tokenizer.h"

namespace seqbench {

// The key of model.safetensors that has it; "" there for a task whose tokens are no text.
inline constexpr const char* kAboutTokenizer = "tokenizer";

// Of a task with `options` (vocab, sentencepiece_model). Holds every character of vocab "char"; of a SentencePiece
// model its path and its SHA-256. Throws Error when that model cannot be read.
std::string kept_tokenizer(const Tokenizer& tokenizer, const Options& options);

// The reverse. Throws Error when a SentencePiece model is not there any more, or another one.
std::unique_ptr<Tokenizer> tokenizer_of(const std::string& kept);

// What to begin a text with: the newline, or where no token stands for it the first token.
std::int32_t first_token(const Tokenizer& tokenizer);

}  // namespace seqbench
