#include "kernels/pair_rotation.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

template <class T>
struct Run {
  explicit Run(const PairRotationShape& s)
      : x(random_vector<T>(s.batch * s.length * s.heads * s.dim, 1)),
        angles(random_vector<T>(s.length * s.dim, 2)),
        dy(random_vector<T>(static_cast<std::int64_t>(x.size()), 3)),
        y(x.size()),
        dx(random_vector<T>(static_cast<std::int64_t>(x.size()), 4)) {  // the gradient is added
    kernels::rotate_pairs(s, x.data(), angles.data(), y.data());
    kernels::rotate_pairs_backward(s, dy.data(), angles.data(), dx.data());
  }
  std::vector<T> x, angles, dy, y, dx;
};

TEST_CASE("pair rotation: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (std::int64_t dim = 2; dim <= 2 * kMaxLanes + 4; dim += 2) {
      CAPTURE(dim);
      const PairRotationShape s = {2, 3, 2, dim, 0.3};
      const Run<double> expected(s);
      const Run<float> got(s);
      // Two products, each rounded twice, and their sum.
      CHECK(max_error(got.y, expected.y) < 8 * kFloatEps);
      CHECK(max_error(got.dx, expected.dx) < 8 * kFloatEps);
    }
  });
}

TEST_CASE("pair rotation: neighbours are turned, by the angle of their position") {
  const std::vector<double> angles = {1, 0, 0, 1};  // position 0 by nothing, position 1 by a right angle
  const std::vector<double> x = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<double> y(8);
  kernels::rotate_pairs({.batch = 1, .length = 2, .heads = 2, .dim = 2, .scale = 2}, x.data(), angles.data(),
                        y.data());
  CHECK(y == std::vector<double>{2, 4, 6, 8, -12, 10, -16, 14});
}

TEST_CASE("pair rotation: the naive gradient is that of the naive output") {
  const PairRotationShape s = {2, 3, 2, 6, 0.3};
  Run<double> run(s);
  const auto before = random_vector<double>(static_cast<std::int64_t>(run.x.size()), 4);
  for (std::size_t i = 0; i < before.size(); ++i) run.dx[i] -= before[i];
  const auto loss = [&] {
    kernels::rotate_pairs(s, run.x.data(), run.angles.data(), run.y.data());
    return dot(run.y, run.dy);
  };
  CHECK(max_error(run.dx, numeric_gradient(run.x, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
