// Memory for tensors: 64-byte aligned, so that a vector load never splits a cache line by accident of
// allocation.
#pragma once
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

namespace seqbench {

constexpr std::size_t kAlignment = 64;

constexpr std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

struct FreeAligned {
  void operator()(void* memory) const;
};
// Uninitialised, 64-byte aligned. Throws std::bad_alloc.
std::unique_ptr<std::byte[], FreeAligned> allocate_aligned(std::size_t bytes);

// The private memory of one worker: hands out blocks, takes them back, and forgets all of them at once.
// Released blocks are handed out again first, while they are still warm in the cache. Not for several
// threads.
class Arena {
 public:
  void* allocate(std::size_t bytes);
  // `bytes` as asked for in allocate().
  void release(void* block, std::size_t bytes);
  // Forgets every block; the memory is kept for the next round.
  void reset();
  // The most bytes ever in use or kept for reuse between two resets.
  std::size_t peak_bytes() const { return peak_; }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[], FreeAligned> memory;
    std::size_t bytes;
  };
  std::vector<Chunk> chunks_;
  std::unordered_map<std::size_t, std::vector<void*>> released_;
  std::size_t chunk_ = 0;  // the one being filled
  std::size_t used_ = 0;   // of that chunk
  std::size_t handed_out_ = 0;
  std::size_t peak_ = 0;
};

}  // namespace seqbench
