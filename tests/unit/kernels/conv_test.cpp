#include "kernels/conv.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

template <class T>
struct Conv {
  ConvShape shape;
  std::vector<T> x, weight, history, dy, y, dx, dweight;

  explicit Conv(const ConvShape& s)
      : shape(s),
        x(random_vector<T>(s.batch * s.length * s.width, 1)),
        weight(random_vector<T>(s.taps * s.width, 2)),
        history(random_vector<T>(s.batch * (s.taps - 1) * s.width, 3)),
        dy(random_vector<T>(s.batch * s.length * s.width, 4)),
        y(x.size()),
        dx(random_vector<T>(s.batch * s.length * s.width, 5)),
        dweight(random_vector<T>(s.taps * s.width, 6)) {}

  void forward(bool with_history) {
    kernels::conv(shape, x.data(), weight.data(), with_history ? history.data() : nullptr, y.data());
  }
  void backward() {
    kernels::conv_backward(shape, x.data(), weight.data(), dy.data(), dx.data(), dweight.data());
  }
};

// One more rounding for each product that is added up.
double tolerance(std::int64_t terms, double largest_product) {
  return static_cast<double>(terms + 1) * kFloatEps * (1 + largest_product);
}

std::vector<ConvShape> shapes() {
  std::vector<ConvShape> all;
  for (const std::int64_t width : widths())
    all.push_back({.batch = 2, .length = 6, .width = width, .taps = 4});
  for (const std::int64_t taps : {1, 2, 3, 7, 16})
    all.push_back({.batch = 2, .length = 9, .width = 19, .taps = taps});
  all.push_back({.batch = 3, .length = 1, .width = 21, .taps = 4});  // decoding
  return all;
}

TEST_CASE("conv: forward with and without history agrees with its oracle on every target") {
  for (const ConvShape& shape : shapes()) {
    for (const bool with_history : {false, true}) {
      CAPTURE(shape.width);
      CAPTURE(shape.taps);
      CAPTURE(with_history);
      Conv<double> oracle(shape);
      oracle.forward(with_history);
      REQUIRE(spread(oracle.y) > 0.3);
      for_each_target([&] {
        Conv<float> fast(shape);
        fast.forward(with_history);
        CHECK(max_difference(fast.y, oracle.y) <
              tolerance(shape.taps, largest(oracle.x) * largest(oracle.weight)));
      });
    }
  }
}

TEST_CASE("conv: backward adds the gradients of its oracle on every target") {
  for (const ConvShape& shape : shapes()) {
    CAPTURE(shape.width);
    CAPTURE(shape.taps);
    Conv<double> oracle(shape);
    oracle.backward();
    REQUIRE(spread(oracle.dx) > 0.3);
    REQUIRE(spread(oracle.dweight) > 0.3);
    for_each_target([&] {
      Conv<float> fast(shape);
      fast.backward();
      CHECK(max_difference(fast.dx, oracle.dx) <
            tolerance(shape.taps, largest(oracle.dy) * largest(oracle.weight)));
      CHECK(max_difference(fast.dweight, oracle.dweight) <
            tolerance(shape.batch * shape.length, largest(oracle.dy) * largest(oracle.x)));
    });
  }
}

TEST_CASE("conv: the gradients are those of finite differences") {
  Conv<double> c({.batch = 2, .length = 6, .width = 3, .taps = 4});
  const auto loss = [&] {
    c.forward(false);
    return dot(c.dy, c.y);
  };
  std::fill(c.dx.begin(), c.dx.end(), 0.0);
  std::fill(c.dweight.begin(), c.dweight.end(), 0.0);
  c.backward();
  CHECK(max_error(c.dx, numeric_gradient(c.x, loss)) < 1e-7);
  CHECK(max_error(c.dweight, numeric_gradient(c.weight, loss)) < 1e-7);
  REQUIRE(spread(c.dx) > 0.1);
  REQUIRE(spread(c.dweight) > 0.1);
}

TEST_CASE("conv: a sequence cut in two, the rest with the history, is bitwise the whole") {
  const ConvShape whole{.batch = 1, .length = 11, .width = 37, .taps = 4};
  for_each_target([&] {
    Conv<float> all(whole);
    all.forward(false);
    for (std::int64_t cut = whole.taps - 1; cut < whole.length; ++cut) {
      CAPTURE(cut);
      ConvShape rest = whole;
      rest.length = whole.length - cut;
      std::vector<float> y(static_cast<std::size_t>(rest.length * rest.width));
      kernels::conv(rest, all.x.data() + cut * whole.width, all.weight.data(),
                    all.x.data() + (cut - whole.taps + 1) * whole.width, y.data());
      CHECK(y == std::vector<float>(all.y.begin() + cut * whole.width, all.y.end()));
    }
  });
}

TEST_CASE("conv: results do not depend on where the numbers lie") {
  for (const std::int64_t width : {7, 19, 64}) {
    const ConvShape shape{.batch = 2, .length = 6, .width = width, .taps = 4};
    for_each_target([&] {
      Conv<float> here(shape);
      Misaligned<float> x(here.x), weight(here.weight), history(here.history), dy(here.dy), y(here.x),
          dx(here.dx);
      Misaligned<float> dweight(here.dweight);
      here.forward(true);
      here.backward();
      kernels::conv(shape, x.data(), weight.data(), history.data(), y.data());
      kernels::conv_backward(shape, x.data(), weight.data(), dy.data(), dx.data(), dweight.data());
      CHECK(y.values() == here.y);
      CHECK(dx.values() == here.dx);
      CHECK(dweight.values() == here.dweight);
    });
  }
}

}  // namespace
}  // namespace seqbench::test
