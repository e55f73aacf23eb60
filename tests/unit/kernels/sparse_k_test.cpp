#include "kernels/sparse_k.h"

#include "kernels/flops.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

SparseKShape self(std::int64_t heads, std::int64_t kv_heads, std::int64_t dim, std::int64_t length,
                  std::int64_t k, std::int64_t window) {
  return {.batch = 2,
          .heads = heads,
          .kv_heads = kv_heads,
          .head_dim = dim,
          .queries = length,
          .keys = length,
          .k = k,
          .window = window,
          .kv_batch = length * kv_heads * dim,
          .kv_row = kv_heads * dim,
          .scale = 1.0 / std::sqrt(static_cast<double>(dim))};
}

struct Rows {
  explicit Rows(const SparseKShape& s)
      : leaves(count(s.tokens(), s)),
        fades(leaves.size()),
        drops(leaves.size()),
        active(count(s.queries, s)),
        tau(active.size()) {}
  static std::size_t count(std::int64_t rows, const SparseKShape& s) {
    return static_cast<std::size_t>(s.batch * s.kv_heads * rows);
  }
  kernels::SparseKSelection selection() {
    return {leaves.data(), fades.data(), drops.data(), tau.data(), active.data()};
  }
  std::vector<std::int32_t> leaves, fades, drops, active;
  std::vector<double> tau;
};

template <class T>
struct Inputs {
  explicit Inputs(const SparseKShape& s, double score_scale = 0.5)
      : q(random_vector<T>(s.batch * s.queries * s.width(), 1)),
        k(random_vector<T>(s.batch * s.keys * s.kv_heads * s.head_dim, 2)),
        v(random_vector<T>(s.batch * s.keys * s.kv_heads * s.head_dim, 3)),
        d_o(random_vector<T>(s.batch * s.queries * s.width(), 4)),
        u(random_vector<double>(s.batch * s.kv_heads * s.tokens(), 5, score_scale)) {
    // A slope, and an offset that an f32 of u would not survive.
    for (std::size_t j = 0; j < u.size(); ++j)
      u[j] += 1e6 + 0.01 * static_cast<double>(static_cast<std::int64_t>(j) % s.tokens());
  }
  std::vector<T> q, k, v, d_o;
  std::vector<double> u;
};

template <class T>
struct Outputs {
  Outputs(const SparseKShape& s, const Inputs<T>& in)
      : rows(s),
        o(in.q.size()),
        lse(static_cast<std::size_t>(s.batch * s.heads * s.queries)),
        dq(in.q.size()),
        dk(in.k.size()),
        dv(in.v.size()),
        du(in.u.size()) {
    kernels::sparse_k_select(s, in.u.data(), rows.selection());
    std::vector<T> scratch(static_cast<std::size_t>(kernels::sparse_k_scratch(s)));
    const kernels::SparseKInputs<T> inputs = {in.q.data(), in.k.data(), in.v.data(), in.u.data(),
                                              rows.selection()};
    kernels::sparse_k(s, inputs, o.data(), lse.data(), scratch.data());
    kernels::sparse_k_backward(
        s, inputs, {o.data(), lse.data(), in.d_o.data(), dq.data(), dk.data(), dv.data(), du.data()},
        scratch.data());
  }
  Rows rows;
  std::vector<T> o, lse, dq, dk, dv;
  std::vector<double> du;
};

void compare(const SparseKShape& s, double score_scale = 0.5) {
  CAPTURE(s.queries);
  CAPTURE(s.k);
  CAPTURE(s.window);
  CAPTURE(s.gate_keys);
  CAPTURE(s.hard);
  const Outputs<double> expected(s, Inputs<double>(s, score_scale));
  const Outputs<float> got(s, Inputs<float>(s, score_scale));
  REQUIRE(norm(expected.o) > 0.01);
  // Sums of up to 64 weighted values, and gradients of up to 300 rows.
  CHECK(max_error(got.o, expected.o) < 64 * kFloatEps);
  CHECK(max_error(got.lse, expected.lse) < 64 * kFloatEps);
  CHECK(max_error(got.dv, expected.dv) < 128 * kFloatEps);
  if (s.queries == 1) return;  // one key: its weight is 1 whatever q and k are
  CHECK(max_error(got.dq, expected.dq) < 128 * kFloatEps);
  CHECK(max_error(got.dk, expected.dk) < 128 * kFloatEps);
  CHECK(max_error(got.du, expected.du) < 256 * kFloatEps);
  if (s.queries > s.k + s.window + 2) CHECK(norm(expected.du) > 1e-4);  // some gate is active
}

TEST_CASE("sparse-k: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const std::int64_t length : {1, 7, 63, 65, 130, 300}) {
      for (const std::int64_t k : {1, 4, 8}) {
        for (const std::int64_t window : {1, 5, 32}) compare(self(2, 2, 5, length, k, window));
      }
    }
  });
}

TEST_CASE("sparse-k: gates of keys, hard gates and shared KV heads agree with the naive twin") {
  for_each_target([] {
    for (const bool gate_keys : {false, true}) {
      for (const bool hard : {false, true}) {
        SparseKShape s = self(4, 2, 16, 130, 8, 5);
        s.gate_keys = gate_keys;
        s.hard = hard;
        compare(s);
      }
    }
    // Wide gaps between scores: nearly all gates are 0 or 1. Narrow ones: hundreds are active.
    compare(self(2, 1, 16, 300, 8, 5), 30);
    compare(self(2, 1, 16, 300, 8, 5), 1e-3);
  });
}

// A cache [rows, batch, width] of k + window tokens from before, and the scores of tokens outside it.
SparseKShape cached(std::int64_t queries, std::int64_t outside) {
  SparseKShape s = self(4, 2, 8, queries, 4, 5);
  s.outside = outside;
  s.keys = queries + s.k + s.window;
  s.kv_batch = s.kv_heads * s.head_dim;
  s.kv_row = s.batch * s.kv_batch;
  return s;
}

TEST_CASE("sparse-k: queries after a cache agree with the naive twin") {
  for_each_target([] {
    for (const std::int64_t queries : {2, 33, 70}) {
      for (const std::int64_t outside : {0, 6}) compare(cached(queries, outside));
    }
  });
}

TEST_CASE("sparse-k: a single query after a cache agrees with the naive twin") {
  for_each_target([] {
    const SparseKShape s = cached(1, 6);
    const Outputs<double> expected(s, Inputs<double>(s));
    const Outputs<float> got(s, Inputs<float>(s));
    REQUIRE(norm(expected.du) > 1e-4);
    CHECK(max_error(got.o, expected.o) < 64 * kFloatEps);
    CHECK(max_error(got.dq, expected.dq) < 128 * kFloatEps);
    CHECK(max_error(got.dk, expected.dk) < 128 * kFloatEps);
    CHECK(max_error(got.dv, expected.dv) < 128 * kFloatEps);
    CHECK(max_error(got.du, expected.du) < 256 * kFloatEps);
  });
}

TEST_CASE("sparse-k: scores that are not numbers are selected from like any others") {
  for_each_target([] {
    const SparseKShape s = self(1, 1, 4, 100, 4, 3);
    Inputs<float> in(s);
    for (std::size_t j = 0; j < in.u.size(); j += 7) in.u[j] = j % 2 == 0 ? std::nan("") : HUGE_VAL;
    const Outputs<float> got(s, in);
    CHECK(got.o.size() == in.q.size());
  });
}

TEST_CASE("sparse-k: the naive gradient is that of the naive output") {
  for (const bool gate_keys : {false, true}) {
    SparseKShape s = self(2, 1, 3, 12, 3, 2);
    s.gate_keys = gate_keys;
    Inputs<double> in(s);
    const Outputs<double> out(s, in);
    const auto loss = [&] { return dot(Outputs<double>(s, in).o, in.d_o); };
    CHECK(max_error(out.dq, numeric_gradient(in.q, loss)) < 1e-7);
    CHECK(max_error(out.dk, numeric_gradient(in.k, loss)) < 1e-7);
    CHECK(max_error(out.dv, numeric_gradient(in.v, loss)) < 1e-7);
    for (double& u : in.u) u -= 1e6;  // where doubles are 1e-10 apart: too coarse for a step of 1e-6
    CHECK(max_error(Outputs<double>(s, in).du, numeric_gradient(in.u, loss)) < 1e-7);
  }
}

TEST_CASE("sparse-k: equal scores keep the older token") {
  const SparseKShape s = self(1, 1, 4, 9, 2, 3);
  Inputs<double> in(s);
  std::ranges::fill(in.u, 0.0);
  const Outputs<double> out(s, in);
  // Tokens 0 and 1 for ever; token t > 1 until it leaves the window of 3, at row t + 3.
  const std::vector<std::int32_t> leaves(out.rows.leaves.begin(), out.rows.leaves.begin() + 9);
  CHECK(leaves == std::vector<std::int32_t>{9, 9, 5, 6, 7, 8, 9, 9, 9});
}

TEST_CASE("sparse-k: a hard gate is 1, and its gradient is the Jacobian times that of the gate") {
  SparseKShape s = self(1, 1, 3, 8, 2, 1);
  s.batch = 1;
  s.hard = true;
  Inputs<double> in(s);
  const Outputs<double> out(s, in);
  std::vector<double> du(8);
  for (std::int64_t i = 0; i < 8; ++i) {
    const auto own = static_cast<std::size_t>(i);
    const std::vector<double> candidates(in.u.begin(), in.u.begin() + i);
    const auto p = kernels::sparsek(candidates, s.k);
    std::vector<double> dp(own);
    double value = 0;
    for (std::int64_t j = 0; j <= i; ++j) {
      if (j < i && out.rows.leaves[static_cast<std::size_t>(j)] <= i) continue;
      double score = 0;
      double d_value = 0;
      for (std::size_t c = 0; c < 3; ++c) {
        score += in.q[3 * own + c] * in.k[static_cast<std::size_t>(3 * j) + c] * s.scale;
        d_value += in.d_o[3 * own + c] * in.v[static_cast<std::size_t>(3 * j) + c];
      }
      const double weight = std::exp(score - out.lse[own]);
      value += weight * in.v[static_cast<std::size_t>(3 * j)];
      if (j < i) dp[static_cast<std::size_t>(j)] = weight * d_value;
    }
    CHECK(out.o[3 * own] == doctest::Approx(value));
    const auto dz = kernels::sparsek_backward(p, dp);
    for (std::size_t j = 0; j < own; ++j) du[j] += dz[j];
  }
  REQUIRE(norm(du) > 1e-3);
  CHECK(max_error(out.du, du) < 1e-12);
}

TEST_CASE("sparse-k: cost is linear in length") {
  const auto flops_per_token = [](std::int64_t length) {
    const SparseKShape s = self(2, 1, 16, length, 16, 16);
    const double before = flops::counted();
    const Outputs<float> run(s, Inputs<float>(s));
    return (flops::counted() - before) / static_cast<double>(length);
  };
  CHECK(flops_per_token(4096) / flops_per_token(512) < 1.05);
}

TEST_CASE("sparse-k: a step reads a cache like the last query of the whole") {
  for_each_target([] {
    const SparseKShape whole = self(2, 1, 16, 70, 4, 5);
    const Inputs<float> in(whole);
    const Outputs<float> all(whole, in);
    SparseKShape last = whole;
    last.queries = 1;
    Inputs<float> step(last);
    step.k = in.k;
    step.v = in.v;
    step.u = in.u;
    std::vector<float> expected;
    step.q.clear();
    for (std::int64_t b = 0; b < 2; ++b) {
      const std::int64_t at = ((b + 1) * whole.queries - 1) * whole.width();
      step.q.insert(step.q.end(), in.q.begin() + at, in.q.begin() + at + whole.width());
      expected.insert(expected.end(), all.o.begin() + at, all.o.begin() + at + whole.width());
    }
    CHECK(max_error(Outputs<float>(last, step).o, expected) < 64 * kFloatEps);
  });
}

}  // namespace
}  // namespace seqbench::test
