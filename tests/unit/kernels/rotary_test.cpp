#include "kernels/rotary.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kNoLast = std::numeric_limits<std::int64_t>::max();

template <class T>
std::vector<T> turned(const RotaryShape& s, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  kernels::rotary(s, x.data(), y.data());
  return y;
}

template <class T>
std::vector<T> turned_back(const RotaryShape& s, const std::vector<T>& y) {
  std::vector<T> x(y.size());
  kernels::rotary_backward(s, y.data(), x.data());
  return x;
}

std::int64_t size_of(const RotaryShape& s) { return s.batch * s.length * s.heads * s.head_dim; }

TEST_CASE("rotary: every instruction set agrees with the naive twin, far into a text too") {
  for_each_target([] {
    for (const std::int64_t head_dim : {2, 4, 6, 20, 34, 64, 70}) {
      for (const std::int64_t first : {0, 3, 1000000}) {
        for (const std::int64_t last : {kNoLast, first + 5}) {
          CAPTURE(head_dim);
          CAPTURE(first);
          const RotaryShape s = {2, 70, 3, head_dim, first, last};
          const auto x = random_vector<float>(size_of(s), 1);
          // Two products of rounded factors.
          CHECK(max_error(turned(s, x), turned(s, converted<double>(x))) < 8 * kFloatEps);
          CHECK(max_error(turned_back(s, x), turned_back(s, converted<double>(x))) < 8 * kFloatEps);
        }
      }
    }
  });
}

TEST_CASE("rotary: the naive gradient is that of the naive output") {
  const RotaryShape s = {2, 5, 2, 6, 7, 9};
  auto x = random_vector<double>(size_of(s), 1);
  const auto dy = random_vector<double>(size_of(s), 2);
  const auto loss = [&] { return dot(turned(s, x), dy); };
  CHECK(max_error(turned_back(s, dy), numeric_gradient(x, loss)) < 1e-7);
}

TEST_CASE("rotary: products depend on the distance between two tokens alone") {
  const auto q = random_vector<double>(8, 1);
  const auto k = random_vector<double>(8, 2);
  const auto product = [&](std::int64_t i, std::int64_t j) {
    return dot(turned({1, 1, 1, 8, i, kNoLast}, q), turned({1, 1, 1, 8, j, kNoLast}, k));
  };
  for (const std::int64_t shift : {1, 17, 100000}) {
    CHECK(product(9 + shift, 2 + shift) == doctest::Approx(product(9, 2)).epsilon(1e-9));
  }
  CHECK(product(9, 2) != doctest::Approx(product(9, 3)).epsilon(1e-3));
}

TEST_CASE("rotary: position 0 changes nothing, position 1 turns the first pair by one radian") {
  const RotaryShape s = {1, 2, 1, 4, 0, kNoLast};
  const std::vector<double> y = turned(s, std::vector<double>{1, 2, 3, 4, 1, 0, 0, 0});
  CHECK(std::vector<double>(y.begin(), y.begin() + 4) == std::vector<double>{1, 2, 3, 4});
  CHECK(y[4] == doctest::Approx(std::cos(1)));
  CHECK(y[6] == doctest::Approx(std::sin(1)));
}

}  // namespace
}  // namespace seqbench::test
