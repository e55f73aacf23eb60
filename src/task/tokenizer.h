// Text to tokens and back.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace seqbench {

struct Encoded {
  std::vector<std::int32_t> tokens;
  std::int64_t first_bytes = 0;  // how many bytes of the text the first token stands for
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual std::int64_t vocab_size() const = 0;
  // Throws Error for text that it has no tokens for, with the byte at which that is.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
  // The same, but what has no token of its own becomes the token for all that is unknown.
  virtual Encoded encode_with_unknown(std::string_view text) const = 0;
  virtual std::string decode(std::span<const std::int32_t> tokens) const = 0;
  // A token as a person reads it; different for different tokens.
  virtual std::string spelled(std::int32_t token) const = 0;
};

// A token per byte. Nothing is unknown.
std::unique_ptr<Tokenizer> byte_tokenizer();

// A token per character of `text` (UTF-8), in the order of their code points, and a last one for every other.
std::unique_ptr<Tokenizer> character_tokenizer(std::string_view text);

// The pieces of a SentencePiece model, the bytes of a .model file; `path` is where they came from, for
// messages.
//
// Every line is encoded on its own, and a newline is a token: the model's piece for it or, as most models
// have none, one more, after theirs. What else is kept is the model's affair: most put a space before a line,
// write several spaces as one, and replace characters by equivalent ones. Lines above 64 KiB are encoded in
// parts, each beginning with a space where there is one.
std::unique_ptr<Tokenizer> sentencepiece_tokenizer(std::string_view model, const std::string& path);

}  // namespace seqbench
