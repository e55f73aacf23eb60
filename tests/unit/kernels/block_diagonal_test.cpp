#include "kernels/block_diagonal.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

const BlockShape kShapes[] = {{1, 1, 1, 1}, {5, 3, 4, 4}, {9, 2, 16, 16}, {7, 4, 5, 3}};

template <class T>
struct Blocks {
  BlockShape shape;
  std::vector<T> x, w, dy, y, dx, dw;

  explicit Blocks(const BlockShape& s)
      : shape(s),
        x(random_vector<T>(s.rows * s.blocks * s.in, 1)),
        w(random_vector<T>(s.blocks * s.in * s.out, 2)),
        dy(random_vector<T>(s.rows * s.blocks * s.out, 3)),
        y(dy.size()),
        dx(random_vector<T>(s.rows * s.blocks * s.in, 4)),
        dw(random_vector<T>(s.blocks * s.in * s.out, 5)) {}
  void forward() { kernels::block_diagonal(shape, x.data(), w.data(), y.data()); }
  void backward() {
    kernels::block_diagonal_backward(shape, x.data(), w.data(), dy.data(), dx.data(), dw.data());
  }
};

TEST_CASE("block_diagonal: forward and backward agree with their oracle on every target") {
  for (const BlockShape& shape : kShapes) {
    Blocks<double> oracle(shape);
    oracle.forward();
    oracle.backward();
    for_each_target([&] {
      Blocks<float> fast(shape);
      fast.forward();
      fast.backward();
      CHECK(max_difference(fast.y, oracle.y) < 16 * kFloatEps * (1 + largest(oracle.y)));
      CHECK(max_difference(fast.dx, oracle.dx) < 16 * kFloatEps * (1 + largest(oracle.dx)));
      CHECK(max_difference(fast.dw, oracle.dw) < 16 * kFloatEps * (1 + largest(oracle.dw)));
    });
  }
}

TEST_CASE("block_diagonal: gradients are those of finite differences") {
  Blocks<double> blocks(kShapes[3]);
  std::ranges::fill(blocks.dx, 0.0);
  std::ranges::fill(blocks.dw, 0.0);
  const auto loss = [&] {
    blocks.forward();
    return dot(blocks.dy, blocks.y);
  };
  blocks.backward();
  REQUIRE(spread(blocks.dw) > 0.1);
  CHECK(max_error(blocks.dx, numeric_gradient(blocks.x, loss)) < 1e-7);
  CHECK(max_error(blocks.dw, numeric_gradient(blocks.w, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
