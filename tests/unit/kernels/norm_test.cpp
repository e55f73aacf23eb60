#include "kernels/norm.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kRows = 5;
constexpr double kNormEps = 1e-5;

template <class T>
struct Norm {
  std::int64_t width;
  std::vector<T> x, gain, bias, dy, mean, rstd, y, dx, dgain, dbias;

  explicit Norm(std::int64_t w)
      : width(w),
        x(random_vector<T>(kRows * w, 1)),
        gain(random_vector<T>(w, 2)),
        bias(random_vector<T>(w, 3)),
        dy(random_vector<T>(kRows * w, 4)),
        mean(kRows),
        rstd(kRows),
        y(x.size()),
        dx(random_vector<T>(kRows * w, 5)),
        dgain(random_vector<T>(w, 6)),
        dbias(random_vector<T>(w, 7)) {}

  void forward() {
    kernels::layer_norm(kRows, width, x.data(), gain.data(), bias.data(), y.data(), mean.data(), rstd.data(),
                        static_cast<T>(kNormEps));
  }
  void backward(bool accumulate_dx) {
    kernels::layer_norm_backward(kRows, width, x.data(), gain.data(), mean.data(), rstd.data(), dy.data(),
                                 dx.data(), accumulate_dx, dgain.data(), dbias.data());
  }
};

TEST_CASE("norm: layer_norm agrees with its oracle on every target") {
  for (const std::int64_t width : widths()) {
    CAPTURE(width);
    Norm<double> oracle(width);
    oracle.forward();
    if (width > 1) REQUIRE(spread(oracle.y) > 0.3);
    // Rounding of the mean is multiplied by rstd, which is large where a short row's numbers happen to be
    // near.
    const double condition = 1 + largest(oracle.x) * largest(oracle.rstd);
    for_each_target([&] {
      Norm<float> fast(width);
      fast.forward();
      CHECK(max_error(fast.y, oracle.y) < 8 * kFloatEps * condition);
      CHECK(max_difference(fast.mean, oracle.mean) < 4 * kFloatEps * largest(oracle.x));
      CHECK(max_error(fast.rstd, oracle.rstd) < 8 * kFloatEps * condition);
    });
  }
}

TEST_CASE("norm: layer_norm_backward agrees with its oracle on every target") {
  for (const std::int64_t width : widths()) {
    for (const bool accumulate_dx : {false, true}) {
      CAPTURE(width);
      CAPTURE(accumulate_dx);
      Norm<float> saved(width);
      hwy::SetSupportedTargetsForTest(0);
      saved.forward();
      Norm<double> oracle(width);
      oracle.mean = converted<double>(saved.mean);
      oracle.rstd = converted<double>(saved.rstd);
      oracle.backward(accumulate_dx);
      if (width > 2) REQUIRE(spread(oracle.dx) > 0.05);
      if (width > 1) REQUIRE(spread(oracle.dgain) > 0.1);
      // dx is a difference of terms of this size; a row of two numbers cancels almost all of it.
      const double unit = 1 + 2 * largest(oracle.x) * largest(oracle.rstd);
      const double terms = largest(oracle.rstd) * largest(oracle.dy) * largest(oracle.gain) * unit;
      for_each_target([&] {
        Norm<float> fast(width);
        fast.mean = saved.mean;
        fast.rstd = saved.rstd;
        fast.backward(accumulate_dx);
        CHECK(max_difference(fast.dx, oracle.dx) < 8 * kFloatEps * (1 + terms));
        CHECK(max_difference(fast.dgain, oracle.dgain) < 8 * kFloatEps * (1 + largest(oracle.dy) * unit));
        CHECK(max_difference(fast.dbias, oracle.dbias) < 8 * kFloatEps * (1 + largest(oracle.dy)));
      });
    }
  }
}

TEST_CASE("norm: results do not depend on where the numbers lie") {
  for (const std::int64_t width : {7, 19, 64, 257}) {
    for_each_target([&] {
      Norm<float> here(width);
      here.forward();
      std::fill(here.dgain.begin(), here.dgain.end(), 0.0F);
      std::fill(here.dbias.begin(), here.dbias.end(), 0.0F);
      here.backward(false);
      Misaligned<float> x(here.x), gain(here.gain), bias(here.bias), dy(here.dy), y(here.x), dx(here.x);
      const std::vector<float> zeros(here.gain.size());
      Misaligned<float> dgain(zeros), dbias(zeros), mean(here.mean), rstd(here.rstd);
      kernels::layer_norm(kRows, width, x.data(), gain.data(), bias.data(), y.data(), mean.data(),
                          rstd.data(), static_cast<float>(kNormEps));
      kernels::layer_norm_backward(kRows, width, x.data(), gain.data(), mean.data(), rstd.data(), dy.data(),
                                   dx.data(), false, dgain.data(), dbias.data());
      CHECK(y.values() == here.y);
      CHECK(mean.values() == here.mean);
      CHECK(rstd.values() == here.rstd);
      CHECK(dx.values() == here.dx);
      CHECK(dgain.values() == here.dgain);
      CHECK(dbias.values() == here.dbias);
    });
  }
}

TEST_CASE("norm: the gradients are those of finite differences") {
  Norm<double> n(7);
  const auto loss = [&] {
    n.forward();
    return dot(n.dy, n.y);
  };
  n.forward();
  std::fill(n.dgain.begin(), n.dgain.end(), 0.0);
  std::fill(n.dbias.begin(), n.dbias.end(), 0.0);
  n.backward(false);
  const std::vector<double> dx = n.dx, dgain = n.dgain, dbias = n.dbias;
  CHECK(max_error(dx, numeric_gradient(n.x, loss)) < 1e-7);
  CHECK(max_error(dgain, numeric_gradient(n.gain, loss)) < 1e-7);
  CHECK(max_error(dbias, numeric_gradient(n.bias, loss)) < 1e-7);
  REQUIRE(spread(dx) > 0.1);
  REQUIRE(spread(dgain) > 0.1);
}

template <class T>
struct UnitNorm {
  std::int64_t width;
  bool centred;
  std::vector<T> x, dy, rstd, y, dx;

  UnitNorm(std::int64_t w, bool centre)
      : width(w),
        centred(centre),
        x(random_vector<T>(kRows * w, 1)),
        dy(random_vector<T>(kRows * w, 4)),
        rstd(kRows),
        y(x.size()),
        dx(random_vector<T>(kRows * w, 5)) {}

  void forward() {
    kernels::unit_norm(kRows, width, centred, x.data(), y.data(), rstd.data(), static_cast<T>(kNormEps));
  }
  void backward(bool accumulate) {
    kernels::unit_norm_backward(kRows, width, centred, y.data(), rstd.data(), dy.data(), dx.data(),
                                accumulate);
  }
};

TEST_CASE("norm: unit_norm and its backward agree with their oracle on every target") {
  for (const std::int64_t width : widths()) {
    for (const int flags : {0, 1, 2, 3}) {
      CAPTURE(width);
      CAPTURE(flags);
      const bool centred = (flags & 1) != 0;
      UnitNorm<double> oracle(width, centred);
      oracle.forward();
      oracle.backward((flags & 2) != 0);
      if (width > 1) REQUIRE(spread(oracle.y) > 0.3);
      const double condition = 1 + largest(oracle.x) * largest(oracle.rstd);
      for_each_target([&] {
        UnitNorm<float> fast(width, centred);
        fast.forward();
        fast.backward((flags & 2) != 0);
        CHECK(max_error(fast.y, oracle.y) < 8 * kFloatEps * condition);
        CHECK(max_difference(fast.dx, oracle.dx) <
              16 * kFloatEps * condition * condition * (1 + largest(oracle.dy)) * (1 + largest(oracle.rstd)));
      });
    }
  }
}

TEST_CASE("norm: the gradient of unit_norm is that of finite differences") {
  for (const bool centred : {false, true}) {
    UnitNorm<double> n(7, centred);
    const auto loss = [&] {
      n.forward();
      return dot(n.dy, n.y);
    };
    n.forward();
    n.backward(false);
    REQUIRE(spread(n.dx) > 0.05);
    CHECK(max_error(n.dx, numeric_gradient(n.x, loss)) < 1e-6);
  }
}

}  // namespace
}  // namespace seqbench::test
