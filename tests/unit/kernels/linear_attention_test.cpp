#include "kernels/linear_attention.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Lengths on both sides of the chunk of 64; head sizes that are no whole vector.
const std::vector<LinearShape> kShapes = {{2, 1, 1, 1, 1},  {1, 2, 7, 3, 5},   {2, 2, 63, 16, 16},
                                          {1, 1, 64, 8, 8}, {1, 2, 65, 5, 20}, {1, 1, 200, 32, 32}};

// Feature maps are positive.
template <class T>
std::vector<T> positive(std::vector<T> x) {
  for (T& v : x) v = std::abs(v) + T(0.125);
  return x;
}

template <class T>
struct Inputs {
  explicit Inputs(const LinearShape& s)
      : q(positive(random_vector<T>(s.batch * s.length * s.heads * s.key_dim, 1))),
        k(positive(random_vector<T>(s.batch * s.length * s.heads * s.key_dim, 2))),
        v(random_vector<T>(s.batch * s.length * s.heads * s.value_dim, 3)),
        d_o(random_vector<T>(s.batch * s.length * s.heads * s.value_dim, 4)) {}
  std::vector<T> q, k, v, d_o;
};

template <class T>
struct Outputs {
  Outputs(const LinearShape& s, const Inputs<T>& in, bool carried = false)
      : o(in.v.size()),
        den(static_cast<std::size_t>(s.batch * s.heads * s.length)),
        state(static_cast<std::size_t>(s.batch * s.heads * s.state_size())),
        dq(in.q.size()),
        dk(in.k.size()),
        dv(in.v.size()) {
    if (carried) state = positive(random_vector<T>(static_cast<std::int64_t>(state.size()), 5));
    std::vector<T> chunks(static_cast<std::size_t>(kernels::linear_chunk_states(s)));
    std::vector<T> scratch(static_cast<std::size_t>(kernels::linear_attention_scratch(s)));
    kernels::linear_attention(s, in.q.data(), in.k.data(), in.v.data(),
                              {state.data(), o.data(), den.data(), chunks.data()}, scratch.data());
    if (carried) return;
    kernels::linear_attention_backward(
        s, in.q.data(), in.k.data(), in.v.data(),
        {o.data(), den.data(), chunks.data(), in.d_o.data(), dq.data(), dk.data(), dv.data()},
        scratch.data());
  }
  std::vector<T> o, den, state, dq, dk, dv;
};

// Sums over up to `length` tokens, each of key_dim products.
double tolerance(const LinearShape& s) {
  return 16 * kFloatEps * std::sqrt(static_cast<double>(s.length * s.key_dim));
}

TEST_CASE("linear attention: every instruction set agrees with the recurrent naive twin") {
  for_each_target([] {
    for (const LinearShape& s : kShapes) {
      CAPTURE(s.length);
      const Outputs<double> expected(s, Inputs<double>(s));
      const Outputs<float> got(s, Inputs<float>(s));
      REQUIRE(norm(expected.o) > 0.01);
      CHECK(max_error(got.o, expected.o) < tolerance(s));
      CHECK(max_error(got.state, expected.state) < tolerance(s));
      CHECK(max_error(got.dv, expected.dv) < tolerance(s));
      if (s.length == 1) continue;  // o is v whatever q and k are
      CHECK(max_error(got.dq, expected.dq) < 4 * tolerance(s));
      CHECK(max_error(got.dk, expected.dk) < 4 * tolerance(s));
    }
  });
}

TEST_CASE("linear attention: a state from before is read and carried on, chunkwise and step by step") {
  for_each_target([] {
    for (const LinearShape& s : kShapes) {
      const Inputs<float> in(s);
      const Outputs<double> expected(s, Inputs<double>(s), true);
      const Outputs<float> chunkwise(s, in, true);
      CHECK(max_error(chunkwise.o, expected.o) < tolerance(s));
      CHECK(max_error(chunkwise.state, expected.state) < tolerance(s));
      auto state = positive(random_vector<float>(static_cast<std::int64_t>(chunkwise.state.size()), 5));
      std::vector<float> o(in.v.size());
      kernels::linear_attention_step(s, in.q.data(), in.k.data(), in.v.data(), state.data(), o.data());
      CHECK(max_error(o, expected.o) < tolerance(s));
      CHECK(max_error(state, expected.state) < tolerance(s));
    }
  });
}

TEST_CASE("linear attention: the naive gradient is that of the naive output") {
  const LinearShape s = {2, 2, 6, 3, 4};
  Inputs<double> in(s);
  const Outputs<double> out(s, in);
  const auto loss = [&] { return dot(Outputs<double>(s, in).o, in.d_o); };
  CHECK(max_error(out.dq, numeric_gradient(in.q, loss)) < 1e-7);
  CHECK(max_error(out.dk, numeric_gradient(in.k, loss)) < 1e-7);
  CHECK(max_error(out.dv, numeric_gradient(in.v, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
