// What the tests of kernels share: inputs, comparison with an oracle, instruction sets, numeric gradients.
#pragma once
#include <doctest/doctest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"

namespace seqbench::test {

constexpr double kFloatEps = std::numeric_limits<float>::epsilon();

// Normal numbers times `scale`. Those of T = double are numbers an f32 holds: kernel and oracle get the same.
template <class T>
std::vector<T> random_vector(std::int64_t count, std::uint64_t seed, double scale = 1) {
  Random random(seed, "test.kernels");
  std::vector<T> out(static_cast<std::size_t>(count));
  for (T& x : out) x = static_cast<T>(static_cast<float>(scale * random.normal()));
  return out;
}

template <class To, class From>
std::vector<To> converted(const std::vector<From>& from) {
  std::vector<To> out(from.size());
  std::transform(from.begin(), from.end(), out.begin(), [](From x) { return static_cast<To>(x); });
  return out;
}

// Root mean square. 0 for an empty vector.
template <class T>
double norm(const std::vector<T>& x) {
  double sum = 0;
  for (const T v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return x.empty() ? 0 : std::sqrt(sum / static_cast<double>(x.size()));
}

// Standard deviation: 0 when every element is the same, as in an output nobody wrote.
template <class T>
double spread(const std::vector<T>& x) {
  double mean = 0;
  for (const T v : x) mean += static_cast<double>(v) / static_cast<double>(x.size());
  std::vector<double> off;
  for (const T v : x) off.push_back(static_cast<double>(v) - mean);
  return norm(off);
}

// The largest |value - reference|. Infinite when the sizes differ or either side holds a NaN, so that no
// comparison with a tolerance passes by accident.
template <class A, class B>
double max_difference(const std::vector<A>& value, const std::vector<B>& reference) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  if (value.size() != reference.size()) return kNever;
  double most = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const double off = std::abs(static_cast<double>(value[i]) - static_cast<double>(reference[i]));
    if (std::isnan(off)) return kNever;
    most = std::max(most, off);
  }
  return most;
}

// The same divided by the root mean square of the reference. Equal vectors have error 0, be they all zero.
template <class A, class B>
double max_error(const std::vector<A>& value, const std::vector<B>& reference) {
  const double most = max_difference(value, reference);
  return most == 0 ? 0 : most / norm(reference);
}

template <class T>
double largest(const std::vector<T>& x) {
  double most = 0;
  for (const T v : x) most = std::max(most, std::abs(static_cast<double>(v)));
  return most;
}

// A vector whose numbers start one float past where the allocator put it: no vector load is aligned.
template <class T>
class Misaligned {
 public:
  explicit Misaligned(const std::vector<T>& from) : memory_(from.size() + 1) {
    std::copy(from.begin(), from.end(), memory_.begin() + 1);
  }
  T* data() { return memory_.data() + 1; }
  std::vector<T> values() const { return {memory_.begin() + 1, memory_.end()}; }

 private:
  std::vector<T> memory_;
};

// Calls f() once for every instruction set that this CPU has and the kernels are compiled for.
template <class F>
void for_each_target(const F& f) {
  struct Restore {
    ~Restore() { hwy::SetSupportedTargetsForTest(0); }
  } const restore;
  const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  REQUIRE(!targets.empty());
  for (const std::int64_t target : targets) {
    const std::string name = hwy::TargetName(target);
    CAPTURE(name);
    hwy::SetSupportedTargetsForTest(target);
    f();
  }
}

// The widest f32 vector of any target here, in numbers.
constexpr std::int64_t kMaxLanes = 16;

// Widths that end in every remainder of every vector length, and a few of real tiles.
inline std::vector<std::int64_t> widths() {
  std::vector<std::int64_t> all;
  for (std::int64_t width = 1; width <= 2 * kMaxLanes + 3; ++width) all.push_back(width);
  all.insert(all.end(), {64, 128, 257});
  return all;
}

// d f / d x by central differences; f() reads x. Rounding costs about 2e-16 |f| / step.
template <class F>
std::vector<double> numeric_gradient(std::vector<double>& x, const F& f, double step = 1e-6) {
  std::vector<double> gradient;
  gradient.reserve(x.size());
  for (double& element : x) {
    const double kept = element;
    element = kept + step;
    const double above = f();
    element = kept - step;
    const double below = f();
    element = kept;
    gradient.push_back((above - below) / (2 * step));
  }
  return gradient;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace seqbench::test
