#include "task/characters.h"

#include <fmt/format.h>

#include <iterator>

namespace seqbench {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }

bool continues(std::uint8_t byte) { return (byte & 0xC0) == 0x80; }

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

}  // namespace

Character character_at(std::string_view text, std::size_t offset) {
  const std::uint8_t first = byte_at(text, offset);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || bytes > text.size() - offset) return {};
  char32_t code = first & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const std::uint8_t byte = byte_at(text, offset + i);
    if (!continues(byte)) return {};
    code = (code << 6) | (byte & 0x3FU);
  }
  constexpr char32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  if (code < kLowest[bytes] || code > 0x10FFFF || surrogate) return {};
  return {code, bytes};
}

std::optional<std::size_t> invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bytes = character_at(text, i).bytes;
    if (bytes == 0) return i;
    i += bytes;
  }
  return {};
}

std::size_t character_start(std::string_view text, std::size_t offset) {
  while (offset > 0 && offset < text.size() && continues(byte_at(text, offset))) --offset;
  return offset;
}

std::string to_utf8(char32_t code) {
  const auto part = [&](int shift) { return static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0U | (code >> 6)), part(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0U | (code >> 12)), part(6), part(0)};
  return {static_cast<char>(0xF0U | (code >> 18)), part(12), part(6), part(0)};
}

std::string printable(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size();) {
    const Character character = character_at(bytes, i);
    if (character.code == '\\') {
      text += "\\\\";
    } else if (character.code == '\n') {
      text += "\\n";
    } else if (character.bytes > 0 && !is_control(character.code)) {
      text += bytes.substr(i, character.bytes);
    } else {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", byte_at(bytes, i));
      ++i;
      continue;
    }
    i += character.bytes;
  }
  return text;
}

}  // namespace seqbench
