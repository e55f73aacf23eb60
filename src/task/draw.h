// Draws that several tasks make.
#pragma once
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "base/random.h"

namespace seqbench {

// `count` different tokens, uniform over [low, high) without those in `taken`, which they join. There must be
// as many.
inline std::vector<std::int32_t> draw_distinct(Random& random, std::int64_t count, std::int64_t low,
                                               std::int64_t high, std::unordered_set<std::int32_t>& taken) {
  std::vector<std::int32_t> drawn;
  while (static_cast<std::int64_t>(drawn.size()) < count) {
    const auto token = static_cast<std::int32_t>(
        low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low))));
    if (taken.insert(token).second) drawn.push_back(token);
  }
  return drawn;
}

}  // namespace seqbench
