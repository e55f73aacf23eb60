// Text to tokens and back.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace seqbench {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual std::int64_t vocab_size() const = 0;
  // Throws Error for text that it has no tokens for, with the byte at which that is.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
  virtual std::string decode(std::span<const std::int32_t> tokens) const = 0;
};

// A token per byte.
std::unique_ptr<Tokenizer> byte_tokenizer();

}  // namespace seqbench
