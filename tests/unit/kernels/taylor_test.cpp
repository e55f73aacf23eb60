#include "kernels/taylor.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kRows = 3;

template <class T>
struct Run {
  explicit Run(std::int64_t dim)
      : x(random_vector<T>(kRows * dim, 1)),
        dy(random_vector<T>(kRows * taylor_size(dim), 2)),
        y(dy.size()),
        dx(random_vector<T>(kRows * dim, 3)) {  // the gradient is added
    kernels::taylor(kRows, dim, x.data(), y.data());
    kernels::taylor_backward(kRows, dim, x.data(), dy.data(), dx.data());
  }
  std::vector<T> x, dy, y, dx;
};

TEST_CASE("taylor: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const std::int64_t dim : widths()) {
      CAPTURE(dim);
      const Run<double> expected(dim);
      const Run<float> got(dim);
      // Three roundings of a product; a gradient sums 2 dim of them.
      CHECK(max_error(got.y, expected.y) < 16 * kFloatEps);
      CHECK(max_error(got.dx, expected.dx) < 16 * kFloatEps * std::sqrt(static_cast<double>(2 * dim)));
    }
  });
}

TEST_CASE("taylor: products of features are 1 + s + s^2 / 2 with s = q.k / sqrt(dim)") {
  for (const std::int64_t dim : {1, 5, 16}) {
    const Run<double> run(dim);
    const auto row = [dim](const std::vector<double>& all, std::int64_t width, std::int64_t r) {
      return std::vector<double>(all.begin() + r * width, all.begin() + (r + 1) * width);
    };
    const double s = dot(row(run.x, dim, 0), row(run.x, dim, 1)) / std::sqrt(static_cast<double>(dim));
    const double product = dot(row(run.y, taylor_size(dim), 0), row(run.y, taylor_size(dim), 1));
    CHECK(product == doctest::Approx(1 + s + s * s / 2).epsilon(1e-12));
  }
}

TEST_CASE("taylor: the naive gradient is that of the naive output") {
  const std::int64_t dim = 5;
  Run<double> run(dim);
  const auto before = random_vector<double>(kRows * dim, 3);
  for (std::size_t i = 0; i < before.size(); ++i) run.dx[i] -= before[i];
  const auto loss = [&] {
    kernels::taylor(kRows, dim, run.x.data(), run.y.data());
    return dot(run.y, run.dy);
  };
  CHECK(max_error(run.dx, numeric_gradient(run.x, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
