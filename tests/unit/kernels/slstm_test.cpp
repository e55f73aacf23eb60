#include "kernels/slstm.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Batches and heads that are no whole tile or vector.
const std::vector<SlstmShape> kShapes = {{1, 1, 1, 1},  {2, 7, 2, 3},  {3, 5, 1, 19},
                                         {1, 63, 2, 8}, {9, 4, 3, 16}, {2, 65, 1, 5}};

template <class T>
struct Numbers {
  explicit Numbers(const SlstmShape& s, double scale = 1)
      : i(rows(s, 1, scale)),
        f(rows(s, 2, scale)),
        z(rows(s, 3, scale)),
        o(rows(s, 4, scale)),
        r(random_vector<T>(4 * s.width() * s.dim, 5, 0.5)),
        d_h(rows(s, 6, 1)),
        first(static_cast<std::size_t>(4 * s.batch * s.width())),
        d_last(random_vector<T>(4 * s.batch * s.width(), 7)) {
    for (std::size_t at = 0; at < first.size(); ++at) {
      if (row_of(s, at) == 3) first[at] = static_cast<T>(kSlstmNoMemory);
    }
  }
  // A state that has read tokens: n of at least 1.
  Numbers& with_state(const SlstmShape& s) {
    first = random_vector<T>(static_cast<std::int64_t>(first.size()), 8);
    for (std::size_t at = 0; at < first.size(); ++at) {
      if (row_of(s, at) == 2) first[at] = T(1) + std::abs(first[at]);
    }
    return *this;
  }
  static std::int64_t row_of(const SlstmShape& s, std::size_t at) {
    return static_cast<std::int64_t>(at) / s.width() % 4;
  }
  static std::vector<T> rows(const SlstmShape& s, std::uint64_t seed, double scale) {
    return random_vector<T>(s.batch * s.length * s.width(), seed, scale);
  }
  SlstmInputs<T> inputs() const { return {i.data(), f.data(), z.data(), o.data(), r.data()}; }
  std::vector<T> i, f, z, o, r, d_h, first, d_last;
};

template <class T>
struct Run {
  Run(const SlstmShape& s, const Numbers<T>& in)
      : last(in.first),
        h(in.i.size()),
        d_i(in.i.size()),
        d_f(in.i.size()),
        d_z(in.i.size()),
        d_o(in.i.size()),
        dr(in.r.size()),
        d_first(in.first.size()) {
    std::vector<T> gates(static_cast<std::size_t>(s.gates_size()));
    std::vector<T> cells(static_cast<std::size_t>(s.cells_size()));
    std::vector<T> scratch(static_cast<std::size_t>(kernels::slstm_scratch(s)));
    kernels::slstm(s, in.inputs(), {last.data(), h.data(), gates.data(), cells.data()});
    kernels::slstm_backward(s, in.inputs(),
                            {h.data(), cells.data(), in.first.data(), in.d_h.data(), in.d_last.data(),
                             d_first.data(), d_i.data(), d_f.data(), d_z.data(), d_o.data(), dr.data()},
                            gates.data(), scratch.data());
  }
  std::vector<T> last, h, d_i, d_f, d_z, d_o, dr, d_first;
};

double loss(const SlstmShape& s, const Numbers<double>& in) {
  const Run<double> run(s, in);
  return dot(run.h, in.d_h) + dot(run.last, in.d_last);
}

void check_close(const Run<float>& got, const Run<double>& expected, double tolerance) {
  CHECK(max_error(got.h, expected.h) < tolerance);
  CHECK(max_error(got.last, expected.last) < tolerance);
  CHECK(max_error(got.d_i, expected.d_i) < 8 * tolerance);
  CHECK(max_error(got.d_f, expected.d_f) < 8 * tolerance);
  CHECK(max_error(got.d_z, expected.d_z) < 8 * tolerance);
  CHECK(max_error(got.d_o, expected.d_o) < 8 * tolerance);
  CHECK(max_error(got.dr, expected.dr) < 8 * tolerance);
  CHECK(max_error(got.d_first, expected.d_first) < 8 * tolerance);
}

// A handful of exponentials, each good to 1 ulp, go round through r and shrink on their way.
constexpr double kTolerance = 32 * kFloatEps;

TEST_CASE("sLSTM: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const SlstmShape& s : kShapes) {
      CAPTURE(s.length);
      CAPTURE(s.dim);
      const Run<double> expected(s, Numbers<double>(s).with_state(s));
      REQUIRE(norm(expected.h) > 0.01);
      check_close(Run<float>(s, Numbers<float>(s).with_state(s)), expected, kTolerance);
      check_close(Run<float>(s, Numbers<float>(s)), Run<double>(s, Numbers<double>(s)), kTolerance);
    }
  });
}

// Exponents of 100 and more: whatever is added before its scale is taken off overflows or divides by 0.
TEST_CASE("sLSTM: gates of any size give finite numbers, and the right ones") {
  for_each_target([] {
    const SlstmShape s = {2, 33, 2, 5};
    const Run<float> got(s, Numbers<float>(s, 100));
    const Run<double> expected(s, Numbers<double>(s, 100));
    CHECK(max_error(got.h, expected.h) < kTolerance);
    CHECK(max_error(got.last, expected.last) < kTolerance);
    for (const auto* gradient : {&got.d_i, &got.d_f, &got.d_z, &got.d_o, &got.dr, &got.d_first}) {
      CHECK(std::isfinite(norm(*gradient)));
    }
  });
}

TEST_CASE("sLSTM: a sequence in pieces through the state is the whole one") {
  for_each_target([] {
    const SlstmShape whole = {1, 33, 2, 5};
    const Numbers<float> in = Numbers<float>(whole).with_state(whole);
    const Run<float> expected(whole, in);
    std::vector<float> state = in.first;
    std::vector<float> h(expected.h.size());
    std::vector<float> gates(static_cast<std::size_t>(whole.gates_size()));
    std::int64_t done = 0;
    for (const std::int64_t count : {1, 7, 25}) {
      const std::int64_t at = done * whole.width();
      kernels::slstm({1, count, whole.heads, whole.dim},
                     {in.i.data() + at, in.f.data() + at, in.z.data() + at, in.o.data() + at, in.r.data()},
                     {state.data(), h.data() + at, gates.data(), nullptr});
      done += count;
    }
    CHECK(h == expected.h);
    CHECK(state == expected.last);
  });
}

TEST_CASE("sLSTM: the naive gradients are those of the output and of the last state") {
  for (const bool carried : {false, true}) {
    for (const double scale : {1.0, 3.0}) {
      const SlstmShape s = {2, 6, 2, 3};
      Numbers<double> in(s, scale);
      if (carried) in.with_state(s);
      const Run<double> run(s, in);
      const auto f = [&] { return loss(s, in); };
      CHECK(max_error(run.d_i, numeric_gradient(in.i, f)) < 1e-7);
      CHECK(max_error(run.d_f, numeric_gradient(in.f, f)) < 1e-7);
      CHECK(max_error(run.d_z, numeric_gradient(in.z, f)) < 1e-7);
      CHECK(max_error(run.d_o, numeric_gradient(in.o, f)) < 1e-7);
      CHECK(max_error(run.dr, numeric_gradient(in.r, f)) < 1e-7);
      CHECK(max_error(run.d_first, numeric_gradient(in.first, f)) < 1e-7);
    }
  }
}

TEST_CASE("sLSTM: a NaN is not hidden by the gates of a bounded cell") {
  for_each_target([] {
    const SlstmShape s = {1, 5, 1, 19};
    for (std::vector<float> Numbers<float>::*gate : {&Numbers<float>::z, &Numbers<float>::o}) {
      Numbers<float> in(s);
      const std::size_t at = 3 * 19 + 18;
      (in.*gate)[at] = std::numeric_limits<float>::quiet_NaN();
      const Run<float> run(s, in);
      CHECK(std::isnan(run.h[at]));
      CHECK(std::isfinite(run.h[at - 19]));
    }
  });
}

}  // namespace
}  // namespace seqbench::test
