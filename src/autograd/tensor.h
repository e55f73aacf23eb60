// A tensor on a tape: a handle to numbers in the arena of the lane that computes them.
#pragma once
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>

namespace seqbench {

enum class DType { f32, f64 };  // f64 exists to check gradients: it runs on the naive kernels

constexpr std::size_t size_of(DType type) { return type == DType::f32 ? 4 : 8; }
template <class T>
constexpr DType dtype_of = std::is_same_v<T, float> ? DType::f32 : DType::f64;

// Calls f(T{}) with T = float or double.
template <class F>
decltype(auto) visit(DType type, F&& f) {
  return type == DType::f32 ? f(float{}) : f(double{});
}

// Up to four dimensions, row-major.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims) {
    assert(dims.size() <= dims_.size());
    for (const std::int64_t dim : dims) dims_[rank_++] = dim;
  }
  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[i < 0 ? rank_ + i : i]; }
  // The same shape with another last dimension.
  Shape with_width(std::int64_t width) const {
    Shape other = *this;
    other.dims_[rank_ - 1] = width;
    return other;
  }
  // The same with another first dimension.
  Shape with_first(std::int64_t first) const {
    Shape other = *this;
    other.dims_[0] = first;
    return other;
  }
  std::int64_t size() const {
    std::int64_t product = 1;
    for (int i = 0; i < rank_; ++i) product *= dims_[i];
    return product;
  }
  // All but the last dimension: how many rows of width [-1].
  std::int64_t rows() const { return rank_ == 0 ? 1 : size() / dims_[rank_ - 1]; }
  bool operator==(const Shape&) const = default;

 private:
  std::array<std::int64_t, 4> dims_{};
  int rank_ = 0;
};

std::string to_text(const Shape& shape);  // "[2, 64, 128]"

struct Tensor {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::f32;
  int slot = -1;  // where its tape keeps its gradient; -1 when it has none

  template <class T>
  T* as() const {
    assert(dtype == dtype_of<T>);
    return static_cast<T*>(data);
  }
};

}  // namespace seqbench
