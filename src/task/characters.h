// Characters of UTF-8 text: Unicode code points, decoded strictly.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace seqbench {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: no character begins here
};

// The character that begins at `offset` < text.size(). Overlong forms, surrogates, codes above U+10FFFF and
// sequences that break off are none.
Character character_at(std::string_view text, std::size_t offset);

// The offset of the first byte with which no character begins; none when all of `text` is UTF-8.
std::optional<std::size_t> invalid_utf8(std::string_view text);

// The last place up to `offset` at which UTF-8 text can be cut without cutting a character.
std::size_t character_start(std::string_view text, std::size_t offset);

std::string to_utf8(char32_t code);

// Printable characters as they are, a backslash and a newline as \\ and \n, every other byte as \xNN:
// different for different bytes.
std::string printable(std::string_view bytes);

}  // namespace seqbench
