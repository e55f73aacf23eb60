#include "kernels/min_gru.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

template <class T>
struct Run {
  Run(const MinGruShape& s, std::vector<T> gates, std::vector<T> candidates)
      : gate(std::move(gates)),
        candidate(std::move(candidates)),
        dh(random_vector<T>(static_cast<std::int64_t>(gate.size()), 3)),
        h(gate.size()),
        d_gate(gate.size()),
        d_candidate(gate.size()),
        state(static_cast<std::size_t>(s.batch * s.width)) {
    forward(s);
    kernels::min_gru_backward(s, gate.data(), candidate.data(), h.data(), dh.data(), {}, d_gate.data(),
                              d_candidate.data());
  }
  void forward(const MinGruShape& s) {
    std::fill(state.begin(), state.end(), T(0));
    kernels::min_gru(s, gate.data(), candidate.data(), state.data(), h.data());
  }
  std::vector<T> gate, candidate, dh, h, d_gate, d_candidate, state;
};

template <class T>
Run<T> run(const MinGruShape& s, double scale) {
  const std::int64_t size = s.batch * s.length * s.width;
  return {s, random_vector<T>(size, 1, scale), random_vector<T>(size, 2, scale)};
}

TEST_CASE("minGRU: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const std::int64_t width : widths()) {
      // Gates of size 30 are closed or open to the last bit; the state must then be kept or replaced exactly.
      for (const double scale : {1.0, 30.0}) {
        CAPTURE(width);
        CAPTURE(scale);
        const MinGruShape s = {2, 9, width};
        const Run<double> expected = run<double>(s, scale);
        const Run<float> got = run<float>(s, scale);
        REQUIRE(norm(expected.h) > 0.01);
        // exp() is good to 1 ulp, and nine steps add up; gradients multiply two rounded gates.
        CHECK(max_error(got.h, expected.h) < 32 * kFloatEps);
        CHECK(max_error(got.state, expected.state) < 32 * kFloatEps);
        CHECK(max_error(got.d_gate, expected.d_gate) < 256 * kFloatEps);
        CHECK(max_error(got.d_candidate, expected.d_candidate) < 256 * kFloatEps);
      }
    }
  });
}

TEST_CASE("minGRU: a state from before is read, and two pieces are one") {
  for_each_target([] {
    const MinGruShape whole = {1, 13, 19};
    const Run<float> expected = run<float>(whole, 1);
    std::vector<float> state(19);
    std::vector<float> h(expected.h.size());
    std::int64_t done = 0;
    for (const std::int64_t piece : {1, 5, 7}) {
      const std::int64_t at = done * whole.width;
      kernels::min_gru({1, piece, 19}, expected.gate.data() + at, expected.candidate.data() + at,
                       state.data(), h.data() + at);
      done += piece;
    }
    CHECK(h == expected.h);
    CHECK(state == expected.state);
  });
}

TEST_CASE("minGRU: the naive gradient is that of the naive output") {
  const MinGruShape s = {2, 6, 5};
  Run<double> r = run<double>(s, 1);
  const auto loss = [&] {
    r.forward(s);
    return dot(r.h, r.dh);
  };
  CHECK(max_error(r.d_gate, numeric_gradient(r.gate, loss)) < 1e-7);
  CHECK(max_error(r.d_candidate, numeric_gradient(r.candidate, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
