#include "kernels/activation.h"

#include <numbers>

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kRows = 5;
constexpr double kInputScale = 3;  // past the bend on both sides

template <class T>
struct Gelu {
  std::int64_t width;
  std::vector<T> x, bias, dy, y, dx, dbias;

  explicit Gelu(std::int64_t w)
      : width(w),
        x(random_vector<T>(kRows * w, 1, kInputScale)),
        bias(random_vector<T>(w, 2)),
        dy(random_vector<T>(kRows * w, 3)),
        y(x.size()),
        dx(random_vector<T>(kRows * w, 4)),
        dbias(random_vector<T>(w, 5)) {}

  void forward() { kernels::bias_gelu(kRows, width, x.data(), bias.data(), y.data()); }
  void backward(bool accumulate_dx, bool accumulate_dbias) {
    kernels::bias_gelu_backward(kRows, width, x.data(), bias.data(), dy.data(), dx.data(), accumulate_dx,
                                dbias.data(), accumulate_dbias);
  }
};

TEST_CASE("activation: bias_gelu and its backward agree with their oracle on every target") {
  for (const std::int64_t width : widths()) {
    for (const int flags : {0, 1, 2, 3}) {
      CAPTURE(width);
      CAPTURE(flags);
      Gelu<double> oracle(width);
      oracle.forward();
      oracle.backward((flags & 1) != 0, (flags & 2) != 0);
      REQUIRE(spread(oracle.y) > 0.3);
      REQUIRE(spread(oracle.dx) > 0.1);
      for_each_target([&] {
        Gelu<float> fast(width);
        fast.forward();
        fast.backward((flags & 1) != 0, (flags & 2) != 0);
        CHECK(max_difference(fast.y, oracle.y) < 4 * kFloatEps * largest(oracle.x));
        // the exponent is about 0.07 x^3 here, and its rounding is multiplied by x times the slope
        CHECK(max_difference(fast.dx, oracle.dx) < 32 * kFloatEps * (1 + largest(oracle.dy)));
        CHECK(max_difference(fast.dbias, oracle.dbias) < 32 * kFloatEps * (1 + largest(oracle.dy)) * kRows);
      });
    }
  }
}

TEST_CASE("activation: bias_gelu is within 4e-7 of the tanh form from -20 to 20") {
  std::vector<float> x;
  for (int i = -2000; i <= 2000; ++i) x.push_back(static_cast<float>(i) / 100);
  const auto count = static_cast<std::int64_t>(x.size());
  for_each_target([&] {
    std::vector<float> y(x.size());
    const std::vector<float> bias(x.size());
    kernels::bias_gelu(1, count, x.data(), bias.data(), y.data());
    double most = 0;  // of the error over max(1, |x|)
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto in = static_cast<double>(x[i]);
      most = std::max(
          most, std::abs(static_cast<double>(y[i]) - naive::tanh_gelu(in)) / std::max(1.0, std::abs(in)));
    }
    CHECK(most < 4e-7);
    CHECK(std::abs(y.front()) < 1e-30F);
    CHECK(y.back() == 20.0F);
  });
}

TEST_CASE("activation: the gradients of bias_gelu are those of finite differences") {
  Gelu<double> g(6);
  const auto loss = [&] {
    g.forward();
    return dot(g.dy, g.y);
  };
  g.backward(false, false);
  CHECK(max_error(g.dx, numeric_gradient(g.x, loss)) < 1e-7);
  CHECK(max_error(g.dbias, numeric_gradient(g.bias, loss)) < 1e-7);
  REQUIRE(spread(g.dx) > 0.1);
}

constexpr Activation kActivations[] = {Activation::elu_plus_one, Activation::relu, Activation::sigmoid,
                                       Activation::silu,         Activation::gelu, Activation::tanh};

template <class T>
struct Mapped {
  Activation f;
  std::int64_t count;
  std::vector<T> x, dy, y, dx;

  Mapped(Activation activation, std::int64_t n)
      : f(activation),
        count(n),
        x(random_vector<T>(n, 6, kInputScale)),
        dy(random_vector<T>(n, 7)),
        y(x.size()),
        dx(random_vector<T>(n, 8)) {}

  void forward() { kernels::activate(f, count, x.data(), y.data()); }
  void backward(bool accumulate) {
    kernels::activate_backward(f, count, x.data(), dy.data(), dx.data(), accumulate);
  }
};

TEST_CASE("activation: every function and its backward agree with their oracle on every target") {
  for (const Activation f : kActivations) {
    for (const std::int64_t count : widths()) {
      for (const bool accumulate : {false, true}) {
        CAPTURE(static_cast<int>(f));
        CAPTURE(count);
        CAPTURE(accumulate);
        Mapped<double> oracle(f, count);
        oracle.forward();
        oracle.backward(accumulate);
        if (count > 4) REQUIRE(spread(oracle.y) > 0.05);
        for_each_target([&] {
          Mapped<float> fast(f, count);
          fast.forward();
          fast.backward(accumulate);
          CHECK(max_difference(fast.y, oracle.y) < 4 * kFloatEps * (1 + largest(oracle.x)));
          CHECK(max_difference(fast.dx, oracle.dx) < 8 * kFloatEps * (1 + largest(oracle.dy)));
        });
      }
    }
  }
}

// std::erf and std::erfc decide: the tanh form is up to 5e-4 off, and its slope up to 1e-3.
TEST_CASE("activation: gelu is the exact one, by erf, to 2e-7, and its slope to 3e-7") {
  std::vector<float> x;
  for (int i = -20000; i <= 20000; ++i) x.push_back(static_cast<float>(i) / 1000);
  for (const float far : {-1e30F, -100.0F, 100.0F, 1e30F}) x.push_back(far);
  const std::vector<float> dy(x.size(), 1.0F);
  const auto count = static_cast<std::int64_t>(x.size());
  for_each_target([&] {
    std::vector<float> y(x.size()), dx(x.size());
    kernels::activate(Activation::gelu, count, x.data(), y.data());
    kernels::activate_backward(Activation::gelu, count, x.data(), dy.data(), dx.data(), false);
    double off = 0, slope_off = 0, tail_off = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto in = static_cast<double>(x[i]);
      const double exact = 0.5 * in * (1 + std::erf(in / std::numbers::sqrt2));
      const double bell = std::exp(-0.5 * in * in) / std::sqrt(2 * std::numbers::pi);
      const double slope = 0.5 * (1 + std::erf(in / std::numbers::sqrt2)) + in * bell;
      off = std::max(off, std::abs(static_cast<double>(y[i]) - exact) / std::max(1.0, std::abs(in)));
      slope_off = std::max(slope_off, std::abs(static_cast<double>(dx[i]) - slope));
      if (in > -6 && in < -1) {
        const double tail = 0.5 * in * std::erfc(-in / std::numbers::sqrt2);
        tail_off = std::max(tail_off, std::abs(static_cast<double>(y[i]) / tail - 1));
      }
    }
    CHECK(off < 2e-7);
    CHECK(slope_off < 3e-7);
    CHECK(tail_off < 2e-6);
  });
}

TEST_CASE("activation: the gradient of every function is that of finite differences") {
  for (const Activation f : kActivations) {
    CAPTURE(static_cast<int>(f));
    Mapped<double> m(f, 23);
    const auto loss = [&] {
      m.forward();
      return dot(m.dy, m.y);
    };
    m.backward(false);
    CHECK(max_error(m.dx, numeric_gradient(m.x, loss)) < 1e-7);
    REQUIRE(spread(m.dx) > 0.1);
  }
}

TEST_CASE("activation: a NaN stays a NaN, so that a run that diverged is seen") {
  for_each_target([] {
    std::vector<float> x(37, 1.0F), y(37);
    const std::vector<float> bias(37);
    x[0] = x[36] = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t at = 9; at < 30; ++at) x[at] = std::nanf(std::to_string(at).c_str());  // a payload
    const std::vector<float> dy(37, 1.0F);
    std::vector<float> dx(37);
    kernels::bias_gelu(1, 37, x.data(), bias.data(), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::isnan(y[i]) == std::isnan(x[i]));
    for (const Activation f : kActivations) {
      kernels::activate(f, 37, x.data(), y.data());
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::isnan(y[i]) == std::isnan(x[i]));
      kernels::activate_backward(f, 37, x.data(), dy.data(), dx.data(), false);
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::isnan(dx[i]) == std::isnan(x[i]));
    }
  });
}

TEST_CASE("activation: results do not depend on where the numbers lie") {
  for (const std::int64_t width : {7, 19, 64, 257}) {
    for_each_target([&] {
      Gelu<float> gelu(width);
      gelu.forward();
      gelu.backward(false, false);
      Misaligned<float> x(gelu.x), bias(gelu.bias), dy(gelu.dy), y(gelu.x), dx(gelu.x), dbias(gelu.bias);
      kernels::bias_gelu(kRows, width, x.data(), bias.data(), y.data());
      kernels::bias_gelu_backward(kRows, width, x.data(), bias.data(), dy.data(), dx.data(), false,
                                  dbias.data(), false);
      CHECK(y.values() == gelu.y);
      CHECK(dx.values() == gelu.dx);
      CHECK(dbias.values() == gelu.dbias);

      for (const Activation f : kActivations) {
        Mapped<float> mapped(f, width);
        mapped.forward();
        mapped.backward(false);
        Misaligned<float> in(mapped.x), d(mapped.dy), out(mapped.x), d_in(mapped.x);
        kernels::activate(f, width, in.data(), out.data());
        kernels::activate_backward(f, width, in.data(), d.data(), d_in.data(), false);
        CHECK(out.values() == mapped.y);
        CHECK(d_in.values() == mapped.dx);
      }
    });
  }
}

}  // namespace
}  // namespace seqbench::test
