#include "kernels/gru.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Forward and backward between a state before and a gradient of the state after.
template <class T>
struct Cell {
  Cell(const GruShape& s, double scale)
      : shape(s),
        x(random_vector<T>(tokens() * 3 * s.width, 1, scale)),
        u(random_vector<T>(s.width * 3 * s.width, 2, 0.5 / std::sqrt(static_cast<double>(s.width)))),
        bias(random_vector<T>(s.width, 6)),
        dh(random_vector<T>(tokens() * s.width, 3)),
        first(random_vector<T>(s.batch * s.width, 4)),
        d_last(random_vector<T>(s.batch * s.width, 5)),
        h(dh.size()),
        dx(x.size(), T(1)),
        du(u.size(), T(1)),
        d_bias(bias.size(), T(1)),
        d_first(first.size(), T(1)),
        memory(static_cast<std::size_t>(kernels::GruHistory<T>::size(s))) {}
  std::int64_t tokens() const { return shape.batch * shape.length; }

  void forward() {
    last = first;
    kernels::gru(shape, x.data(), u.data(), bias.data(), last.data(), h.data(), {shape, memory.data()});
  }
  Cell& run() {
    forward();
    kernels::gru_backward(shape, u.data(), {shape, memory.data()},
                          {dh.data(), d_last.data(), d_first.data(), dx.data(), du.data(), d_bias.data()});
    return *this;
  }

  GruShape shape;
  std::vector<T> x, u, bias, dh, first, d_last;
  std::vector<T> h, dx, du, d_bias, d_first, last, memory;
};

TEST_CASE("GRU: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const std::int64_t width : widths()) {
      // x of size 30 and 100 closes or opens gates to the last bit.
      for (const double scale : {1.0, 30.0, 100.0}) {
        CAPTURE(width);
        CAPTURE(scale);
        const GruShape s = {3, 5, width};
        const Cell<double> expected = Cell<double>(s, scale).run();
        const Cell<float> got = Cell<float>(s, scale).run();
        REQUIRE(norm(expected.h) > 0.01);
        // Five steps, each through three gates good to an ulp and a product of the width.
        CHECK(max_error(got.h, expected.h) < 64 * kFloatEps);
        CHECK(max_error(got.last, expected.last) < 64 * kFloatEps);
        CHECK(max_error(got.dx, expected.dx) < 256 * kFloatEps);
        CHECK(max_error(got.du, expected.du) < 256 * kFloatEps);
        CHECK(max_error(got.d_bias, expected.d_bias) < 256 * kFloatEps);
        CHECK(max_error(got.d_first, expected.d_first) < 256 * kFloatEps);
      }
    }
  });
}

TEST_CASE("GRU: the gates are r, z, n, and r acts after the product") {
  // Two channels, two tokens, written out; every gate gets another number.
  const std::vector<double> x = {0.1, 0.7, -1.3, 0.4, 1.1, -0.6, 0.8, -0.2, 0.5, -0.9, 0.3, 1.2};
  const std::vector<double> u = {0.3,  -0.5, 0.9, 1.7, -0.8, 0.6,    // from channel 0 to r0 r1 z0 z1 n0 n1
                                 -0.4, 1.3,  0.2, 0.7, 1.5,  -1.1};  // from channel 1
  const std::vector<double> bias = {0.35, -0.65};
  const auto s = [](double a) { return 1 / (1 + std::exp(-a)); };
  std::vector<double> h = {0.25, -0.75};
  std::vector<double> expected;
  for (std::size_t t = 0; t < 2; ++t) {
    const auto from_h = [&, before = h](std::size_t j) { return before[0] * u[j] + before[1] * u[6 + j]; };
    for (std::size_t c = 0; c < 2; ++c) {
      const double* in = x.data() + 6 * t;
      const double r = s(in[c] + from_h(c)), z = s(in[2 + c] + from_h(2 + c));
      h[c] = (1 - z) * std::tanh(in[4 + c] + r * (from_h(4 + c) + bias[c])) + z * h[c];
      expected.push_back(h[c]);
    }
  }
  Cell<double> cell({1, 2, 2}, 1);
  cell.x = x;
  cell.u = u;
  cell.bias = bias;
  cell.first = {0.25, -0.75};
  cell.forward();
  CHECK(max_difference(cell.h, expected) < 1e-15);
  CHECK(max_difference(cell.last, h) < 1e-15);
}

TEST_CASE("GRU: a state from before is read, and pieces are the whole") {
  for_each_target([] {
    const Cell<float> whole = Cell<float>({1, 13, 19}, 1).run();
    std::vector<float> state = whole.first;
    std::vector<float> h(whole.h.size());
    std::int64_t done = 0;
    for (const std::int64_t piece : {1, 5, 7}) {
      const GruShape s = {1, piece, 19};
      std::vector<float> memory(static_cast<std::size_t>(kernels::GruHistory<float>::size(s)));
      kernels::gru(s, whole.x.data() + done * 3 * 19, whole.u.data(), whole.bias.data(), state.data(),
                   h.data() + done * 19, {s, memory.data()});
      done += piece;
    }
    CHECK(h == whole.h);
    CHECK(state == whole.last);
  });
}

TEST_CASE("GRU: the naive gradient is that of the naive output") {
  Cell<double> cell({2, 6, 3}, 1);
  cell.run();
  const auto added = [](std::vector<double> gradient) {
    for (double& d : gradient) d -= 1;  // it was added to a 1
    return gradient;
  };
  const auto loss = [&] {
    cell.forward();
    return dot(cell.h, cell.dh) + dot(cell.last, cell.d_last);
  };
  CHECK(max_error(added(cell.dx), numeric_gradient(cell.x, loss)) < 1e-7);
  CHECK(max_error(added(cell.du), numeric_gradient(cell.u, loss)) < 1e-7);
  CHECK(max_error(added(cell.d_bias), numeric_gradient(cell.bias, loss)) < 1e-7);
  CHECK(max_error(added(cell.d_first), numeric_gradient(cell.first, loss)) < 1e-7);
}

TEST_CASE("GRU: a NaN is not hidden by the gates") {
  for_each_target([] {
    for (std::size_t gate = 0; gate < 3; ++gate) {
      Cell<float> cell({1, 2, 5}, 1);
      cell.x[gate * 5] = std::nanf("");
      cell.forward();
      CHECK(std::isnan(cell.h[0]));
    }
  });
}

}  // namespace
}  // namespace seqbench::test
