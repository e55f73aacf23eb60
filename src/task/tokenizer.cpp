#include "task/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "task/characters.h"

namespace seqbench {
namespace {

class Bytes : public Tokenizer {
 public:
  std::int64_t vocab_size() const override { return 256; }
  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> tokens;
    tokens.reserve(text.size());
    for (const char c : text) tokens.push_back(static_cast<std::uint8_t>(c));
    return tokens;
  }
  Encoded encode_with_unknown(std::string_view text) const override {
    return {.tokens = encode(text), .first_bytes = text.empty() ? 0 : 1};
  }
  std::string decode(std::span<const std::int32_t> tokens) const override {
    std::string text;
    for (const std::int32_t token : tokens) text += static_cast<char>(token);
    return text;
  }
  std::string spelled(std::int32_t token) const override {
    return printable(std::string(1, static_cast<char>(token)));
  }
};

class Characters : public Tokenizer {
 public:
  explicit Characters(std::string_view text) {
    std::vector<bool> seen(0x110000);
    for_each(text, [&](std::size_t, Character character) {
      if (!seen[character.code]) codes_.push_back(character.code);
      seen[character.code] = true;
    });
    std::ranges::sort(codes_);
  }

  std::int64_t vocab_size() const override { return unknown() + 1; }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> tokens;
    for_each(text, [&](std::size_t offset, Character character) {
      tokens.push_back(token_of(character.code));
      fail_if(
          tokens.back() == unknown(),
          "the character \"{}\" (U+{:04X}) at byte {} is not in the training text, so no token stands for "
          "it; expected only characters of that text.",
          printable(to_utf8(character.code)), static_cast<std::uint32_t>(character.code), offset);
    });
    return tokens;
  }

  Encoded encode_with_unknown(std::string_view text) const override {
    Encoded encoded;
    for_each(text, [&](std::size_t, Character character) {
      if (encoded.tokens.empty()) encoded.first_bytes = static_cast<std::int64_t>(character.bytes);
      encoded.tokens.push_back(token_of(character.code));
    });
    return encoded;
  }

  std::string decode(std::span<const std::int32_t> tokens) const override {
    std::string text;
    for (const std::int32_t token : tokens)
      text += to_utf8(token == unknown() ? 0xFFFD : codes_[static_cast<std::size_t>(token)]);
    return text;
  }

  std::string spelled(std::int32_t token) const override {
    return token == unknown() ? "<unk>" : printable(to_utf8(codes_[static_cast<std::size_t>(token)]));
  }

 private:
  // Calls f(offset, character) for each. Throws Error where there is none.
  template <class F>
  static void for_each(std::string_view text, const F& f) {
    for (std::size_t i = 0; i < text.size();) {
      const Character character = character_at(text, i);
      fail_if(character.bytes == 0, "the text is not UTF-8: no character begins with its byte {}.", i);
      f(i, character);
      i += character.bytes;
    }
  }

  std::int32_t unknown() const { return static_cast<std::int32_t>(codes_.size()); }
  std::int32_t token_of(char32_t code) const {
    const auto found = std::ranges::lower_bound(codes_, code);
    return found == codes_.end() || *found != code ? unknown()
                                                   : static_cast<std::int32_t>(found - codes_.begin());
  }

  std::vector<char32_t> codes_;  // by token, ascending
};

}  // namespace

std::unique_ptr<Tokenizer> byte_tokenizer() { return std::make_unique<Bytes>(); }

std::unique_ptr<Tokenizer> character_tokenizer(std::string_view text) {
  return std::make_unique<Characters>(text);
}

}  // namespace seqbench
