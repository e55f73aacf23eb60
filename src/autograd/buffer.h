// Numbers that outlive a tape: weights, gradients, moments, decode states.
#pragma once
#include <cassert>
#include <cstdint>

#include "autograd/tensor.h"
#include "base/memory.h"

namespace seqbench {

class Buffer {
 public:
  Buffer() = default;
  Buffer(std::int64_t size, DType type);  // zeros
  Buffer(const Buffer& other);
  Buffer& operator=(const Buffer& other);
  Buffer(Buffer&&) = default;
  Buffer& operator=(Buffer&&) = default;
  ~Buffer() = default;

  std::int64_t size() const { return size_; }
  std::int64_t bytes() const { return size_ * static_cast<std::int64_t>(size_of(dtype_)); }
  DType dtype() const { return dtype_; }
  template <class T>
  T* as() {
    assert(dtype_ == dtype_of<T>);
    return reinterpret_cast<T*>(memory_.get());
  }
  template <class T>
  const T* as() const {
    assert(dtype_ == dtype_of<T>);
    return reinterpret_cast<const T*>(memory_.get());
  }
  // Keeps the first min(size, old size) numbers; new ones are zero. Grows its memory by doubling.
  void resize(std::int64_t size);

 private:
  std::unique_ptr<std::byte[], FreeAligned> memory_;
  std::int64_t size_ = 0;
  std::int64_t capacity_ = 0;
  DType dtype_ = DType::f32;
};

}  // namespace seqbench
