#include "kernels/mlstm.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Heads that are no whole vector; lengths on both sides of a chunk of 64.
const std::vector<MlstmShape> kShapes = {
    {2, 2, 1, 3}, {1, 2, 7, 5}, {2, 1, 63, 16}, {1, 2, 65, 8}, {1, 1, 130, 20}};

// How far numbers go: of q, k, v; and of the gates.
struct Scale {
  double rows = 1;
  double gates = 1;
};

template <class T>
struct Numbers {
  Numbers(const MlstmShape& s, const Scale& scale)
      : q(rows(s, 1, scale)),
        k(rows(s, 2, scale)),
        v(rows(s, 3, scale)),
        input_gate(random_vector<T>(s.batch * s.length * s.heads, 4, scale.gates)),
        forget_gate(random_vector<T>(s.batch * s.length * s.heads, 5, scale.gates)),
        first(static_cast<std::size_t>(s.states())),
        d_h(rows(s, 6, {})),
        d_last(random_vector<T>(s.states(), 7)) {}
  // A state that has read tokens: numbers of the size of k v in C, of k in n, m anywhere.
  Numbers& with_state(const MlstmShape& s) {
    first = random_vector<T>(s.states(), 8);
    return *this;
  }
  // q.k > 0: divisors are no small differences of large terms.
  Numbers& without_cancelling() {
    for (std::vector<T>* x : {&q, &k}) {
      for (T& number : *x) number = std::abs(number);
    }
    return *this;
  }
  static std::vector<T> rows(const MlstmShape& s, std::uint64_t seed, const Scale& scale) {
    return random_vector<T>(s.batch * s.length * s.heads * s.dim, seed, scale.rows);
  }
  MlstmInputs<T> inputs() const {
    return {q.data(), k.data(), v.data(), input_gate.data(), forget_gate.data()};
  }
  std::vector<T> q, k, v, input_gate, forget_gate, first, d_h, d_last;
};

template <class T>
struct Run {
  Run(const MlstmShape& s, const Numbers<T>& in, bool backward = true)
      : last(in.first),
        h(in.q.size()),
        den(static_cast<std::size_t>(s.batch * s.heads * s.length)),
        dq(in.q.size()),
        dk(in.q.size()),
        dv(in.q.size()),
        d_input(in.input_gate.size()),
        d_forget(in.input_gate.size()),
        d_first(in.first.size()) {
    std::vector<T> chunk_states(static_cast<std::size_t>(kernels::mlstm_chunk_states(s)));
    std::vector<T> scratch(static_cast<std::size_t>(kernels::mlstm_scratch(s)));
    kernels::mlstm(s, in.inputs(), {last.data(), h.data(), den.data(), chunk_states.data()}, scratch.data());
    if (!backward) return;
    kernels::mlstm_backward(
        s, in.inputs(),
        {h.data(), den.data(), chunk_states.data(), last.data(), in.d_h.data(), in.d_last.data(),
         d_first.data(), dq.data(), dk.data(), dv.data(), d_input.data(), d_forget.data()},
        scratch.data());
  }
  std::vector<T> last, h, den, dq, dk, dv, d_input, d_forget, d_first;
};

double loss(const MlstmShape& s, const Numbers<double>& in) {
  const Run<double> run(s, in, false);
  return dot(run.h, in.d_h) + dot(run.last, in.d_last);
}

void check_close(const Run<float>& got, const Run<double>& expected, double tolerance) {
  CHECK(max_error(got.h, expected.h) < tolerance);
  CHECK(max_error(got.last, expected.last) < tolerance);
  CHECK(max_error(got.dq, expected.dq) < 8 * tolerance);
  CHECK(max_error(got.dk, expected.dk) < 8 * tolerance);
  CHECK(max_error(got.dv, expected.dv) < 8 * tolerance);
  CHECK(max_error(got.d_input, expected.d_input) < 8 * tolerance);
  CHECK(max_error(got.d_forget, expected.d_forget) < 8 * tolerance);
  CHECK(max_error(got.d_first, expected.d_first) < 8 * tolerance);
}

// Sums over up to `length` tokens, each of `dim` products, over a divisor that is smaller than its terms.
double tolerance(const MlstmShape& s) {
  return 8 * kFloatEps * std::sqrt(static_cast<double>(s.length * s.dim));
}

TEST_CASE("mLSTM: every instruction set and chunk agrees with the recurrent naive twin") {
  for_each_target([] {
    for (MlstmShape s : kShapes) {
      const Run<double> expected(s, Numbers<double>(s, {}).with_state(s));
      REQUIRE(norm(expected.h) > 0.01);
      for (const std::int64_t chunk : {1, 3, 16, 64, 100}) {
        s.chunk = chunk;
        CAPTURE(s.length);
        CAPTURE(s.chunk);
        check_close(Run<float>(s, Numbers<float>(s, {}).with_state(s)), expected, tolerance(s));
      }
    }
  });
}

// Exponents of 100 and more: whatever is added before its scale is taken off overflows or divides by 0.
TEST_CASE("mLSTM: gates, keys and queries of any size give finite numbers, and the right ones") {
  for_each_target([] {
    for (const std::int64_t chunk : {1, 16, 64}) {
      for (const Scale& scale : {Scale{1, 100}, Scale{100, 1}, Scale{100, 100}, Scale{0, 100}}) {
        CAPTURE(chunk);
        CAPTURE(scale.rows);
        CAPTURE(scale.gates);
        const MlstmShape s = {2, 2, 65, 8, chunk};
        const Run<float> got(s, Numbers<float>(s, scale).without_cancelling());
        const Run<double> expected(s, Numbers<double>(s, scale).without_cancelling());
        CHECK(max_error(got.h, expected.h) < tolerance(s));
        CHECK(max_error(got.last, expected.last) < tolerance(s));
        for (const auto* gradient : {&got.dq, &got.dk, &got.dv, &got.d_input, &got.d_forget, &got.d_first}) {
          CHECK(std::isfinite(norm(*gradient)));
        }
      }
    }
  });
}

TEST_CASE("mLSTM: a sequence in pieces through the state is the whole one") {
  for_each_target([] {
    const MlstmShape whole = {1, 2, 65, 5, 16};
    const Numbers<float> in = Numbers<float>(whole, {}).with_state(whole);
    const Run<float> expected(whole, in);
    std::vector<float> state = in.first;
    std::vector<float> h(expected.h.size());
    std::vector<float> den(expected.den.size());
    MlstmShape piece = whole;
    std::int64_t done = 0;
    for (const std::int64_t count : {1, 7, 40, 17}) {
      piece.length = count;
      const std::int64_t row = done * whole.heads * whole.dim;
      const std::int64_t gate = done * whole.heads;
      std::vector<float> scratch(static_cast<std::size_t>(kernels::mlstm_scratch(piece)));
      kernels::mlstm(piece,
                     {in.q.data() + row, in.k.data() + row, in.v.data() + row, in.input_gate.data() + gate,
                      in.forget_gate.data() + gate},
                     {state.data(), h.data() + row, den.data(), nullptr}, scratch.data());
      done += count;
    }
    CHECK(max_error(h, expected.h) < tolerance(whole));
    CHECK(max_error(state, expected.last) < tolerance(whole));
  });
}

TEST_CASE("mLSTM: the naive gradients are those of the output and of the last state") {
  for (const bool carried : {false, true}) {
    for (const double gates : {1.0, 4.0}) {
      const MlstmShape s = {2, 2, 6, 3};
      Numbers<double> in(s, {1, gates});
      if (carried) in.with_state(s);
      const Run<double> run(s, in);
      const auto f = [&] { return loss(s, in); };
      CHECK(max_error(run.dq, numeric_gradient(in.q, f)) < 1e-7);
      CHECK(max_error(run.dk, numeric_gradient(in.k, f)) < 1e-7);
      CHECK(max_error(run.dv, numeric_gradient(in.v, f)) < 1e-7);
      CHECK(max_error(run.d_input, numeric_gradient(in.input_gate, f)) < 1e-7);
      CHECK(max_error(run.d_forget, numeric_gradient(in.forget_gate, f)) < 1e-7);
      CHECK(max_error(run.d_first, numeric_gradient(in.first, f)) < 1e-7);
    }
  }
}

}  // namespace
}  // namespace seqbench::test
