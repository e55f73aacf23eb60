#include "kernels/top_k.h"

#include "kernels/flops.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

TopKShape self(std::int64_t batch, std::int64_t heads, std::int64_t dim, std::int64_t length,
               std::int64_t k) {
  return {.batch = batch,
          .heads = heads,
          .head_dim = dim,
          .queries = length,
          .keys = length,
          .k = k,
          .kv_batch = length * heads * dim,
          .kv_row = heads * dim,
          .scale = 1.0 / std::sqrt(static_cast<double>(dim))};
}

template <class T>
struct Inputs {
  explicit Inputs(const TopKShape& s)
      : q(random_vector<T>(s.batch * s.queries * s.width(), 1)),
        k(random_vector<T>(s.batch * s.keys * s.width(), 2)),
        v(random_vector<T>(s.batch * s.keys * s.width(), 3)),
        d_o(random_vector<T>(s.batch * s.queries * s.width(), 4)) {}
  std::vector<T> q, k, v, d_o;
};

template <class T>
struct Outputs {
  Outputs(const TopKShape& s, const Inputs<T>& in)
      : o(in.q.size()),
        keys(static_cast<std::size_t>(s.batch * s.heads * s.queries * std::min(s.k, s.keys)), -1),
        dq(in.q.size()),
        dk(in.k.size()),
        dv(in.v.size()) {
    std::vector<T> weights(keys.size());
    std::vector<T> scratch(static_cast<std::size_t>(kernels::top_k_scratch(s)));
    const kernels::TopKKept<T> kept = {keys.data(), weights.data()};
    kernels::top_k(s, in.q.data(), in.k.data(), in.v.data(), o.data(), kept, scratch.data());
    kernels::top_k_backward(s, in.q.data(), in.k.data(), in.v.data(), kept,
                            {in.d_o.data(), dq.data(), dk.data(), dv.data()});
  }
  std::vector<T> o;
  std::vector<std::int32_t> keys;
  std::vector<T> dq, dk, dv;
};

TEST_CASE("top-k: every instruction set agrees with the naive twin") {
  for_each_target([] {
    for (const std::int64_t length : {1, 7, 63, 65, 130, 300}) {
      for (const std::int64_t k : {1, 4, 33, 1000}) {
        CAPTURE(length);
        CAPTURE(k);
        const TopKShape s = self(2, 2, length == 65 ? 5 : 16, length, k);
        const Outputs<double> expected(s, Inputs<double>(s));
        const Outputs<float> got(s, Inputs<float>(s));
        REQUIRE(norm(expected.o) > 0.01);
        // Scores are sums of 16 products, and weights their exponentials.
        CHECK(max_error(got.o, expected.o) < 64 * kFloatEps);
        CHECK(max_error(got.dv, expected.dv) < 128 * kFloatEps);
        if (length == 1 || k == 1) continue;  // one key: its weight is 1 whatever q and k are
        CHECK(max_error(got.dq, expected.dq) < 128 * kFloatEps);
        CHECK(max_error(got.dk, expected.dk) < 128 * kFloatEps);
      }
    }
  });
}

TEST_CASE("top-k: queries after a cache agree with the naive twin") {
  for_each_target([] {
    for (const std::int64_t queries : {1, 2, 40}) {
      TopKShape s = self(2, 2, 8, queries, 5);
      s.keys = queries + 150;
      s.kv_batch = s.width();
      s.kv_row = s.batch * s.width();
      const Outputs<double> expected(s, Inputs<double>(s));
      const Outputs<float> got(s, Inputs<float>(s));
      CHECK(max_error(got.o, expected.o) < 64 * kFloatEps);
      CHECK(max_error(got.dq, expected.dq) < 128 * kFloatEps);
      CHECK(max_error(got.dk, expected.dk) < 128 * kFloatEps);
      CHECK(max_error(got.dv, expected.dv) < 128 * kFloatEps);
    }
  });
}

TEST_CASE("top-k: scores that are not numbers are kept like any others") {
  for_each_target([] {
    const TopKShape s = self(1, 1, 4, 200, 3);
    Inputs<float> in(s);
    for (std::size_t j = 0; j < in.k.size(); j += 13) in.k[j] = std::nanf("");
    const Outputs<float> got(s, in);
    CHECK(std::ranges::count_if(got.keys, [](std::int32_t key) { return key >= 200; }) == 0);
  });
}

TEST_CASE("top-k: the naive gradient is that of the naive output") {
  const TopKShape s = self(2, 2, 3, 7, 3);
  Inputs<double> in(s);
  const Outputs<double> out(s, in);
  const auto loss = [&] { return dot(Outputs<double>(s, in).o, in.d_o); };
  CHECK(max_error(out.dq, numeric_gradient(in.q, loss)) < 1e-7);
  CHECK(max_error(out.dk, numeric_gradient(in.k, loss)) < 1e-7);
  CHECK(max_error(out.dv, numeric_gradient(in.v, loss)) < 1e-7);
}

TEST_CASE("top-k: of equal scores the newer is kept") {
  for_each_target([] {
    const TopKShape s = self(1, 1, 4, 200, 3);
    Inputs<float> in(s);
    std::ranges::fill(in.k, 0.5F);
    const Outputs<float> got(s, in);
    for (std::int64_t i = 2; i < s.queries; ++i) {
      std::vector<std::int32_t> kept(got.keys.begin() + 3 * i, got.keys.begin() + 3 * i + 3);
      std::ranges::sort(kept);
      const auto newest = static_cast<std::int32_t>(i);
      CHECK(kept == std::vector<std::int32_t>{newest - 2, newest - 1, newest});
    }
  });
}

TEST_CASE("top-k: a step reads a cache like the last query of the whole") {
  for_each_target([] {
    const TopKShape whole = self(1, 2, 16, 300, 8);
    Inputs<float> in(whole);
    const Outputs<float> all(whole, in);
    TopKShape last = whole;
    last.queries = 1;
    const std::int64_t at = (whole.queries - 1) * whole.width();
    Inputs<float> step(last);
    step.q.assign(in.q.begin() + at, in.q.end());
    step.k = in.k;
    step.v = in.v;
    const std::vector<float> expected(all.o.begin() + at, all.o.end());
    CHECK(max_error(Outputs<float>(last, step).o, expected) < 64 * kFloatEps);
  });
}

TEST_CASE("top-k: values and backward cost k keys a query, scores all that are seen") {
  const TopKShape s = self(1, 1, 8, 256, 4);
  const double before = flops::counted();
  const Outputs<float> run(s, Inputs<float>(s));
  // Tiles of 16 queries end at their last: 17/32 of the square. The first three rows see fewer than 4 keys.
  const double scores = 2.0 * 8 * 256 * 256 * 17 / 32;
  const double kept = 2.0 * 8 * (256 * 4 - 6);
  CHECK(flops::counted() - before == doctest::Approx(scores + 5 * kept));
}

}  // namespace
}  // namespace seqbench::test
