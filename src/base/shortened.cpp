#include "base/shortened.h"

#include <fmt/format.h>

#include <string_view>

namespace seqbench {

std::string shortened(std::string text) {
  constexpr std::size_t kMost = 200;
  if (text.size() <= kMost) return text;
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return fmt::format("{}... ({} bytes)", std::string_view(text).substr(0, end), text.size());
}

}  // namespace seqbench
