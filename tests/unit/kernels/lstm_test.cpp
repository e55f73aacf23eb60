#include "kernels/lstm.h"

#include "kernels/naive/activation.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Forward and backward between a state before and a gradient of the state after.
template <class T>
struct Cell {
  Cell(const LstmShape& s, double scale)
      : shape(s),
        x(random_vector<T>(tokens() * 4 * s.width, 1, scale)),
        u(random_vector<T>(s.width * 4 * s.width, 2, 0.5 / std::sqrt(static_cast<double>(s.width)))),
        dh(random_vector<T>(tokens() * s.width, 3)),
        first(random_vector<T>(s.batch * 2 * s.width, 4)),
        d_last(random_vector<T>(s.batch * 2 * s.width, 5)),
        h(dh.size()),
        dx(x.size(), T(1)),
        du(u.size(), T(1)),
        d_first(first.size(), T(1)),
        memory(static_cast<std::size_t>(kernels::LstmHistory<T>::size(s))) {}
  std::int64_t tokens() const { return shape.batch * shape.length; }

  void forward() {
    last = first;
    kernels::lstm(shape, x.data(), u.data(), last.data(), h.data(), {shape, memory.data()});
  }
  Cell& run() {
    forward();
    kernels::lstm_backward(shape, u.data(), {shape, memory.data()},
                           {dh.data(), d_last.data(), d_first.data(), dx.data(), du.data()});
    return *this;
  }

  LstmShape shape;
  std::vector<T> x, u, dh, first, d_last;
  std::vector<T> h, dx, du, d_first, last, memory;
};

TEST_CASE("LSTM: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const std::int64_t width : widths()) {
      // x of size 30 and 100 closes or opens gates to the last bit.
      for (const double scale : {1.0, 30.0, 100.0}) {
        CAPTURE(width);
        CAPTURE(scale);
        const LstmShape s = {3, 5, width};
        const Cell<double> expected = Cell<double>(s, scale).run();
        const Cell<float> got = Cell<float>(s, scale).run();
        REQUIRE(norm(expected.h) > 0.01);
        // Five steps, each through four gates good to an ulp and a product of the width.
        CHECK(max_error(got.h, expected.h) < 64 * kFloatEps);
        CHECK(max_error(got.last, expected.last) < 64 * kFloatEps);
        CHECK(max_error(got.dx, expected.dx) < 256 * kFloatEps);
        CHECK(max_error(got.du, expected.du) < 256 * kFloatEps);
        CHECK(max_error(got.d_first, expected.d_first) < 256 * kFloatEps);
      }
    }
  });
}

TEST_CASE("LSTM: the gates are i, f, g, o") {
  // One channel, two tokens, written out; every gate gets another number.
  const std::vector<double> x = {0.1, 0.7, -1.3, 0.4, 1.1, -0.6, 0.8, -0.2};
  const std::vector<double> u = {0.3, -0.5, 0.9, 1.7};
  const auto s = [](double a) { return 1 / (1 + std::exp(-a)); };
  double h = 0.25, c = -0.75;
  std::vector<double> expected;
  for (std::size_t t = 0; t < 2; ++t) {
    const double* in = x.data() + 4 * t;
    c = s(in[1] + h * u[1]) * c + s(in[0] + h * u[0]) * std::tanh(in[2] + h * u[2]);
    h = s(in[3] + h * u[3]) * std::tanh(c);
    expected.push_back(h);
  }
  Cell<double> cell({1, 2, 1}, 1);
  cell.x = x;
  cell.u = u;
  cell.first = {0.25, -0.75};
  cell.forward();
  CHECK(max_difference(cell.h, expected) < 1e-15);
  CHECK(max_difference(cell.last, std::vector<double>{h, c}) < 1e-15);
}

TEST_CASE("LSTM: a state from before is read, and pieces are the whole") {
  for_each_target([] {
    const Cell<float> whole = Cell<float>({1, 13, 19}, 1).run();
    std::vector<float> state = whole.first;
    std::vector<float> h(whole.h.size());
    std::int64_t done = 0;
    for (const std::int64_t piece : {1, 5, 7}) {
      const LstmShape s = {1, piece, 19};
      std::vector<float> memory(static_cast<std::size_t>(kernels::LstmHistory<float>::size(s)));
      kernels::lstm(s, whole.x.data() + done * 4 * 19, whole.u.data(), state.data(), h.data() + done * 19,
                    {s, memory.data()});
      done += piece;
    }
    CHECK(h == whole.h);
    CHECK(state == whole.last);
  });
}

TEST_CASE("LSTM: the naive gradient is that of the naive output") {
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
  CHECK(max_error(added(cell.d_first), numeric_gradient(cell.first, loss)) < 1e-7);
}

TEST_CASE("LSTM: a NaN is not hidden by the gates") {
  for_each_target([] {
    for (std::size_t gate = 0; gate < 4; ++gate) {
      Cell<float> cell({1, 2, 5}, 1);
      cell.x[gate * 5] = std::nanf("");
      cell.forward();
      CHECK(std::isnan(cell.h[0]));
    }
  });
}

}  // namespace
}  // namespace seqbench::test
