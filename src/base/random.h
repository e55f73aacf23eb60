// Counter-based random numbers: a stream is a pure function of its key, so data and initial weights do not
// depend on the order or the thread in which they are drawn.
#pragma once
#include <cstdint>
#include <string_view>

namespace seqbench {

// FNV-1a, 64 bits: names parameters' and purposes' streams, and runs.
constexpr std::uint64_t hash_of(std::string_view text, std::uint64_t start = 0xcbf29ce484222325ULL) {
  for (const char c : text) start = (start ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return start;
}

// The stream of (seed, purpose, index): Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
// as 1, 2, 3"), seed and purpose in the key, index and position in the counter. Two streams that differ in
// purpose or index never share a block. 2^32 blocks of four words each.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view purpose, std::uint64_t index = 0);

  std::uint32_t next();
  // Uniform in [0, bound), without bias. bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Standard normal (Box-Muller).
  double normal();

 private:
  std::uint32_t key_[2];
  std::uint32_t counter_[4];
  std::uint32_t block_[4];
  int used_ = 4;
};

}  // namespace seqbench
