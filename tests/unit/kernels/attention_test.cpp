#include "kernels/attention.h"

#include "kernels/flops.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

AttentionShape self(std::int64_t batch, std::int64_t heads, std::int64_t dim, std::int64_t length) {
  return {.batch = batch,
          .heads = heads,
          .head_dim = dim,
          .queries = length,
          .keys = length,
          .kv_batch = length * heads * dim,
          .kv_row = heads * dim,
          .scale = 1.0 / std::sqrt(static_cast<double>(dim))};
}

// Lengths on both sides of the tiles of 32 queries and 128 keys; head sizes that are no whole vector.
const std::vector<AttentionShape> kShapes = {self(2, 1, 1, 1),   self(1, 2, 3, 7),  self(2, 2, 16, 33),
                                             self(1, 1, 8, 63),  self(1, 2, 5, 65), self(1, 1, 32, 129),
                                             self(1, 1, 20, 300)};

template <class T>
struct Inputs {
  explicit Inputs(const AttentionShape& s, double scale = 1)
      : q(random_vector<T>(s.batch * s.queries * s.width(), 1, scale)),
        k(random_vector<T>(s.batch * s.keys * s.width(), 2, scale)),
        v(random_vector<T>(s.batch * s.keys * s.width(), 3)),
        d_o(random_vector<T>(s.batch * s.queries * s.width(), 4)) {}
  std::vector<T> q, k, v, d_o;
};

template <class T>
struct Outputs {
  Outputs(const AttentionShape& s, const Inputs<T>& in)
      : o(in.q.size()),
        lse(static_cast<std::size_t>(s.batch * s.heads * s.queries)),
        dq(in.q.size()),
        dk(in.k.size()),
        dv(in.v.size()) {
    std::vector<T> scratch(static_cast<std::size_t>(kernels::attention_scratch(s)));
    kernels::attention(s, in.q.data(), in.k.data(), in.v.data(), o.data(), lse.data(), scratch.data());
    kernels::attention_backward(s, in.q.data(), in.k.data(), in.v.data(),
                                {o.data(), lse.data(), in.d_o.data(), dq.data(), dk.data(), dv.data()},
                                scratch.data());
  }
  std::vector<T> o, lse, dq, dk, dv;
};

void compare(const AttentionShape& s, double scale) {
  CAPTURE(s.queries);
  CAPTURE(s.head_dim);
  const Outputs<double> expected(s, Inputs<double>(s, scale));
  const Outputs<float> got(s, Inputs<float>(s, scale));
  REQUIRE(norm(expected.o) > 0.01);
  // Sums of up to `keys` products; scores of size scale^2 sqrt(dim) lose as much again in the exponential.
  const double tolerance = 8 * kFloatEps * (std::sqrt(static_cast<double>(s.keys)) + 4 * scale * scale);
  CHECK(max_error(got.o, expected.o) < tolerance);
  CHECK(max_error(got.lse, expected.lse) < tolerance);
  CHECK(max_error(got.dv, expected.dv) < 4 * tolerance);
  if (s.queries == 1) return;  // one key: its weight is 1 whatever q and k are
  CHECK(max_error(got.dq, expected.dq) < 4 * tolerance);
  CHECK(max_error(got.dk, expected.dk) < 4 * tolerance);
}

TEST_CASE("attention: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const AttentionShape& shape : kShapes) compare(shape, 1);
  });
}

TEST_CASE("attention: large scores neither overflow nor vanish") {
  for_each_target([] { compare(self(1, 2, 16, 70), 6); });
}

TEST_CASE("attention: the naive gradient is that of the naive output") {
  const AttentionShape s = self(2, 2, 3, 6);
  Inputs<double> in(s);
  const Outputs<double> out(s, in);
  const auto loss = [&] { return dot(Outputs<double>(s, in).o, in.d_o); };
  CHECK(max_error(out.dq, numeric_gradient(in.q, loss)) < 1e-7);
  CHECK(max_error(out.dk, numeric_gradient(in.k, loss)) < 1e-7);
  CHECK(max_error(out.dv, numeric_gradient(in.v, loss)) < 1e-7);
}

TEST_CASE("attention: a step reads a cache like the last query of the whole") {
  for_each_target([] {
    for (const AttentionShape& whole : kShapes) {
      const Inputs<float> in(whole);
      const Outputs<float> all(whole, in);
      AttentionShape last = whole;
      last.queries = 1;
      std::vector<float> q;
      std::vector<float> expected;
      for (std::int64_t b = 0; b < whole.batch; ++b) {
        const std::int64_t at = ((b + 1) * whole.queries - 1) * whole.width();
        q.insert(q.end(), in.q.begin() + at, in.q.begin() + at + whole.width());
        expected.insert(expected.end(), all.o.begin() + at, all.o.begin() + at + whole.width());
      }
      std::vector<float> o(q.size());
      std::vector<float> scratch(static_cast<std::size_t>(kernels::attention_scratch(last)));
      kernels::attention_step(last, q.data(), in.k.data(), in.v.data(), o.data(), scratch.data());
      CHECK(max_error(o, expected) < 16 * kFloatEps * std::sqrt(static_cast<double>(whole.keys)));
    }
  });
}

TEST_CASE("attention: skipped tiles are not counted as FLOPs") {
  const AttentionShape s = self(1, 1, 8, 256);
  const double before = flops::counted();
  const Outputs<float> run(s, Inputs<float>(s));
  const double all_pairs = 2.0 * 256 * 256 * 8;
  // 7 products; in tiles of 32 rows, 9/16 of the square is not skipped.
  CHECK(flops::counted() - before == doctest::Approx(7 * all_pairs * 9 / 16));
}

}  // namespace
}  // namespace seqbench::test
