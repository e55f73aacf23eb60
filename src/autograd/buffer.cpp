#include "autograd/buffer.h"

#include <algorithm>
#include <cstring>

namespace seqbench {

Buffer::Buffer(std::int64_t size, DType type) : dtype_(type) { resize(size); }

Buffer::Buffer(const Buffer& other) : Buffer(other.size_, other.dtype_) {
  if (size_ > 0) std::memcpy(memory_.get(), other.memory_.get(), static_cast<std::size_t>(bytes()));
}

Buffer& Buffer::operator=(const Buffer& other) { return *this = Buffer(other); }

void Buffer::resize(std::int64_t size) {
  const std::size_t item = size_of(dtype_);
  if (size > capacity_) {
    const std::int64_t capacity = std::max(size, 2 * capacity_);
    auto grown = allocate_aligned(static_cast<std::size_t>(capacity) * item);
    if (size_ > 0) std::memcpy(grown.get(), memory_.get(), static_cast<std::size_t>(bytes()));
    memory_ = std::move(grown);
    capacity_ = capacity;
  }
  if (size > size_) {
    std::memset(memory_.get() + bytes(), 0, static_cast<std::size_t>(size - size_) * item);
  }
  size_ = size;
}

}  // namespace seqbench
