// Draws that several tasks make.
#pragma once
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace seqbench {

// `count` different tokens, uniform over [low, high) without those in `taken` (by token: 1 KB at 8192), which
// they join. There must be as many.
inline std::vector<std::int32_t> draw_distinct(Random& random, std::int64_t count, std::int64_t low,
                                               std::int64_t high, std::vector<bool>& taken) {
  std::vector<std::int32_t> drawn;
  drawn.reserve(static_cast<std::size_t>(count));
  while (static_cast<std::int64_t>(drawn.size()) < count) {
    const std::int64_t token =
        low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low)));
    if (taken[static_cast<std::size_t>(token)]) continue;
    taken[static_cast<std::size_t>(token)] = true;
    drawn.push_back(static_cast<std::int32_t>(token));
  }
  return drawn;
}

}  // namespace seqbench
