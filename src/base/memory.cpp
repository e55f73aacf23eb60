#include "base/memory.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace seqbench {
namespace {
constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
}

void FreeAligned::operator()(void* memory) const { std::free(memory); }

std::unique_ptr<std::byte[], FreeAligned> allocate_aligned(std::size_t bytes) {
  void* memory = std::aligned_alloc(kAlignment, std::max(aligned(bytes), kAlignment));
  if (memory == nullptr) throw std::bad_alloc();
  return std::unique_ptr<std::byte[], FreeAligned>(static_cast<std::byte*>(memory));
}

void* Arena::allocate(std::size_t bytes) {
  bytes = std::max(aligned(bytes), kAlignment);
  if (auto& same = released_[bytes]; !same.empty()) {
    void* block = same.back();
    same.pop_back();
    return block;
  }
  while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].bytes) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    const std::size_t size = std::max(bytes, kChunkBytes);
    chunks_.push_back({allocate_aligned(size), size});
  }
  void* block = chunks_[chunk_].memory.get() + used_;
  used_ += bytes;
  handed_out_ += bytes;
  peak_ = std::max(peak_, handed_out_);
  return block;
}

void Arena::release(void* block, std::size_t bytes) {
  released_[std::max(aligned(bytes), kAlignment)].push_back(block);
}

void Arena::reset() {
  for (auto& [size, blocks] : released_) blocks.clear();
  chunk_ = 0;
  used_ = 0;
  handed_out_ = 0;
}

}  // namespace seqbench
