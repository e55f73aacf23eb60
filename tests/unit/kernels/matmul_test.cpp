#include "kernels/matmul.h"

#include "kernels/flops.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

TEST_CASE("matmul: oneDNN agrees with the naive twin, in every layout and added to what is there") {
  for (const std::int64_t m : {1, 3, 64, 97}) {
    for (const std::int64_t n : {1, 5, 64, 130}) {
      for (const std::int64_t k : {1, 7, 96}) {
        for (int layout = 0; layout < 8; ++layout) {
          const Matmul shape = {m, n, k, (layout & 1) != 0, (layout & 2) != 0, (layout & 4) != 0};
          CAPTURE(m);
          CAPTURE(n);
          CAPTURE(k);
          CAPTURE(layout);
          const auto a = random_vector<float>(m * k, 1);
          const auto b = random_vector<float>(k * n, 2);
          auto c = random_vector<float>(m * n, 3);
          auto expected = converted<double>(c);
          kernels::matmul(shape, a.data(), b.data(), c.data());
          naive::matmul(shape, converted<double>(a).data(), converted<double>(b).data(), expected.data());
          CHECK(max_error(c, expected) < 8 * kFloatEps * std::sqrt(static_cast<double>(k + 1)));
        }
      }
    }
  }
}

TEST_CASE("matmul: FLOPs are counted where the product is called") {
  const auto a = random_vector<float>(6 * 4, 1);
  const auto b = random_vector<float>(4 * 5, 2);
  std::vector<float> c(30);
  const double before = flops::counted();
  kernels::matmul({.m = 6, .n = 5, .k = 4}, a.data(), b.data(), c.data());
  CHECK(flops::counted() - before == 2.0 * 6 * 5 * 4);
}

}  // namespace
}  // namespace seqbench::test
