#include "base/random.h"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace seqbench {

Random::Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index) {
  // 64 bits of key hold the seed; the purpose goes into the counter's upper half together with the index, so
  // that the streams of one purpose are disjoint by construction and those of two purposes but for a 32-bit
  // hash.
  const std::uint64_t named = hash_of(purpose);
  key_[0] = static_cast<std::uint32_t>(seed);
  key_[1] = static_cast<std::uint32_t>(seed >> 32);
  counter_[0] = 0;
  counter_[1] = static_cast<std::uint32_t>(index);
  counter_[2] = static_cast<std::uint32_t>(index >> 32);
  counter_[3] = static_cast<std::uint32_t>(named ^ (named >> 32));
}

std::uint32_t Random::next() {
  if (used_ == 4) {
    const r123::Philox4x32::ctr_type counter{{counter_[0], counter_[1], counter_[2], counter_[3]}};
    const r123::Philox4x32::key_type key{{key_[0], key_[1]}};
    const auto block = r123::Philox4x32()(counter, key);
    std::copy_n(block.v, 4, block_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

std::uint64_t Random::below(std::uint64_t bound) {
  const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() / bound * bound;
  for (;;) {
    const std::uint64_t high = next();
    const std::uint64_t drawn = (high << 32) | next();
    if (drawn < limit) return drawn % bound;
  }
}

double Random::uniform() {
  const std::uint64_t high = next();
  return static_cast<double>(((high << 32) | next()) >> 11) * 0x1p-53;
}

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace seqbench
