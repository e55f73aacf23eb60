#include "base/memory.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace seqbench {
namespace {

bool is_aligned(const void* block) { return reinterpret_cast<std::uintptr_t>(block) % kAlignment == 0; }

struct Block {
  unsigned char* bytes;
  std::size_t size;
  unsigned char mark;
  bool intact() const {
    for (std::size_t i = 0; i < size; ++i) {
      if (bytes[i] != mark) return false;
    }
    return true;
  }
};

Block marked(Arena& arena, std::size_t size, unsigned char mark) {
  auto* bytes = static_cast<unsigned char*>(arena.allocate(size));
  std::memset(bytes, mark, size);
  return {bytes, size, mark};
}

TEST_CASE("memory: sizes are rounded up to whole cache lines") {
  CHECK(aligned(0) == 0);
  CHECK(aligned(1) == 64);
  CHECK(aligned(64) == 64);
  CHECK(aligned(65) == 128);
}

TEST_CASE("memory: allocations are aligned, also of nothing") {
  for (const std::size_t size : {0, 1, 63, 64, 1000}) {
    const auto memory = allocate_aligned(size);
    REQUIRE(memory != nullptr);
    CHECK(is_aligned(memory.get()));
    std::memset(memory.get(), 7, size);
  }
}

TEST_CASE("arena: blocks are aligned and do not overlap, within chunks and across them") {
  Arena arena;
  std::vector<Block> blocks;
  // Sums to 13 MB: several chunks of 4 MB, and one block larger than a chunk.
  for (const std::size_t size : {1, 100, 3 << 20, 2 << 20, 64, 5 << 20, 0, 3 << 20, 17}) {
    blocks.push_back(marked(arena, size, static_cast<unsigned char>(blocks.size() + 1)));
    CHECK(is_aligned(blocks.back().bytes));
  }
  for (const Block& block : blocks) CHECK(block.intact());
}

TEST_CASE("arena: a released block is handed out again for the same size only") {
  Arena arena;
  void* first = arena.allocate(1000);
  void* second = arena.allocate(1000);
  arena.release(first, 1000);
  CHECK(arena.allocate(5000) != first);
  CHECK(arena.allocate(1000) == first);
  void* third = arena.allocate(1000);
  CHECK(third != first);
  CHECK(third != second);
  arena.release(second, 1000);
  CHECK(arena.allocate(961) == second);  // 961 and 1000 bytes are both 16 lines
}

TEST_CASE("arena: reset forgets released blocks and starts again in the same memory") {
  Arena arena;
  void* first = arena.allocate(1000);
  void* large = arena.allocate(6 << 20);
  arena.release(first, 1000);
  arena.reset();
  CHECK(arena.allocate(1000) == first);
  CHECK(arena.allocate(1000) != first);  // a block released before the reset would come twice
  CHECK(arena.allocate(6 << 20) == large);
}

TEST_CASE("arena: the peak is the most handed out between two resets") {
  Arena arena;
  CHECK(arena.peak_bytes() == 0);
  void* block = arena.allocate(1000);
  CHECK(arena.peak_bytes() == 1024);
  arena.release(block, 1000);
  arena.allocate(1000);
  CHECK(arena.peak_bytes() == 1024);
  arena.allocate(1);
  CHECK(arena.peak_bytes() == 1088);
  arena.reset();
  arena.allocate(500);
  CHECK(arena.peak_bytes() == 1088);
  arena.allocate(10000);
  CHECK(arena.peak_bytes() == 512 + 10048);
}

}  // namespace
}  // namespace seqbench
